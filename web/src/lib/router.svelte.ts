// The router: History API, path routes, the query as state. Pages are loaded when first shown.
import type { Component } from 'svelte';
import { t } from './i18n.svelte';
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
  /** Each tells whether it holds work that is not saved; asked before a page is left, by whatever way. */
  readonly unsaved = new Set<() => boolean>();

  mayLeave(): boolean {
    return ![...this.unsaved].some((dirty) => dirty()) || confirm(t('Leave without saving? What you changed here is lost.'));
  }

  private read() {
    this.path = location.pathname;
    this.search = location.search;
  }

  start() {
    addEventListener('popstate', () => {
      if (location.pathname === this.path || this.mayLeave()) this.read();
      else history.pushState(null, '', this.path + this.search); // the browser had gone already
    });
    addEventListener('beforeunload', (e) => {
      if ([...this.unsaved].some((dirty) => dirty())) e.preventDefault();
    });
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
    if (leaving && !this.mayLeave()) return;
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

/** For a component that holds unsaved work: dirty() is asked before its page is left. Call it while the component is made. */
export function keepUnsaved(dirty: () => boolean) {
  $effect(() => {
    router.unsaved.add(dirty);
    return () => void router.unsaved.delete(dirty);
  });
}
