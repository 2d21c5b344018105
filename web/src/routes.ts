// Every page: its address, its title, its own chunk.
import type { Route } from './lib/router.svelte';

export const routes: Route[] = [
  { path: '/login', title: 'Log in', load: () => import('./pages/login/Login.svelte'), bare: true },
  { path: '/setup', title: 'First steps', load: () => import('./pages/setup/Setup.svelte'), bare: true },
  { path: '/', title: 'Overview', load: () => import('./pages/overview/Overview.svelte') },
  { path: '/log', title: 'Log', load: () => import('./pages/log/Log.svelte') },
  { path: '/policy', title: 'Policy', load: () => import('./pages/policy/Rules.svelte') },
  { path: '/policy/rules/:id', title: 'Rule', load: () => import('./pages/policy/RuleEditor.svelte') },
  { path: '/policy/lists', title: 'Lists', load: () => import('./pages/policy/Lists.svelte') },
  { path: '/policy/schedules', title: 'Schedules', load: () => import('./pages/policy/Schedules.svelte') },
  { path: '/policy/tests', title: 'Policy tests', load: () => import('./pages/policy/Tests.svelte') },
  { path: '/policy/changes', title: 'Review and publish', load: () => import('./pages/policy/Changes.svelte') },
  { path: '/policy/history', title: 'History', load: () => import('./pages/policy/History.svelte') },
  { path: '/policy/raw', title: 'Policy as JSON', load: () => import('./pages/policy/Raw.svelte') },
  { path: '/test', title: 'Test a URL', load: () => import('./pages/simulate/Simulate.svelte') },
  { path: '/categories', title: 'Categories', load: () => import('./pages/categories/Categories.svelte') },
  { path: '/users', title: 'Users', load: () => import('./pages/users/Users.svelte') },
  { path: '/users/directory', title: 'Directory', load: () => import('./pages/users/Directory.svelte') },
  { path: '/pac', title: 'PAC file', load: () => import('./pages/pac/Pac.svelte') },
  { path: '/pac/deploy', title: 'Deploy', load: () => import('./pages/pac/Deploy.svelte') },
  { path: '/system', title: 'Status', load: () => import('./pages/system/StatusPage.svelte') },
  { path: '/system/settings', title: 'Settings', load: () => import('./pages/system/Settings.svelte') },
  { path: '/system/accounts', title: 'Administrators', load: () => import('./pages/system/Accounts.svelte') },
  { path: '/system/tokens', title: 'API tokens', load: () => import('./pages/system/Tokens.svelte') },
  { path: '/system/audit', title: 'Audit trail', load: () => import('./pages/system/Audit.svelte') },
  { path: '/system/jobs', title: 'Jobs', load: () => import('./pages/system/Jobs.svelte') },
];
