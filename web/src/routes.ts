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
];
