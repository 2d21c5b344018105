// The router: History API, path routes, the query as state. Pages are loaded when first shown.
import type { Component } from 'svelte';
import { matchPath, withQuery, type Query } from './url';

export interface Route {
  path: string;
  title: string;
  load: () => Promise<{ default: Component<any> }>;
  bare?: boolean; // without the shell: login, wizard
}

class Router {
  path = $state(location.pathname);
  search = $state(location.search);
  query = $derived(new URLSearchParams(this.search));
  /** Asked before leaving a page with unsaved work; false stays. */
  guard: (() => boolean) | null = null;

  private read() {
    this.path = location.pathname;
    this.search = location.search;
  }

  start() {
    addEventListener('popstate', () => this.read());
    document.addEventListener('click', (e) => {
      if (e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
      const a = (e.target as Element).closest?.('a');
      if (!a || a.target || a.hasAttribute('download') || a.origin !== location.origin) return;
      if (a.pathname.startsWith('/api/') || a.pathname === '/metrics') return;
      if (a.pathname === location.pathname && a.search === location.search && a.hash) return;
      e.preventDefault();
      this.go(a.pathname + a.search);
    });
  }

  go(to: string, options: { replace?: boolean; keep?: boolean } = {}) {
    const leaving = !to.startsWith(this.path + '?') && to !== this.path;
    if (leaving && this.guard && !this.guard()) return;
    if (leaving) this.guard = null;
    if (to === location.pathname + location.search) return;
    history[options.replace ? 'replaceState' : 'pushState'](null, '', to);
    this.read();
    if (leaving && !options.keep) scrollTo(0, 0);
  }

  /** Changes keys of the query in place. */
  set(change: Query, replace = true) {
    const s = withQuery(this.query, change);
    this.go(this.path + (s ? `?${s}` : ''), { replace });
  }

  get(key: string): string {
    return this.query.get(key) ?? '';
  }

  find(routes: Route[]): { route: Route; params: Record<string, string> } | null {
    for (const route of routes) {
      const params = matchPath(route.path, this.path);
      if (params) return { route, params };
    }
    return null;
  }
}

export const router = new Router();
