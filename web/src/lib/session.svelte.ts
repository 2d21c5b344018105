// Who is logged in and what they may do. The server decides; the pages only mirror it.
import { api, ApiError, onSessionGone, setCsrf } from './api';
import { router } from './router.svelte';
import type { Me, Setup } from './types';

class Session {
  me = $state<Me | null>(null);
  setup = $state<Setup | null>(null);
  known = $state(false); // the first answer is there
  down = $state('');

  async start() {
    onSessionGone(() => this.gone());
    try {
      this.setup = await api.get<Setup>('/setup', { quiet: true }).catch(() => null);
      const me = await api.get<Me>('/me', { quiet: true });
      this.take(me);
      this.down = '';
    } catch (e) {
      if (e instanceof ApiError && e.status === 401) this.me = null;
      else this.down = e instanceof Error ? e.message : String(e);
    }
    this.known = true;
  }
  take(me: Me) {
    this.me = me;
    setCsrf(me.csrf_token);
  }
  async login(username: string, password: string) {
    this.take(await api.post<Me>('/session', { username, password }, { quiet: true }));
    this.setup = await api.get<Setup>('/setup', { quiet: true }).catch(() => null);
  }
  async logout() {
    if (!router.mayLeave()) return;
    router.unsaved.clear();
    await api.send('DELETE', '/session', undefined, { quiet: true }).catch(() => undefined);
    this.me = null;
    setCsrf(null);
    router.go('/login');
  }
  gone() {
    if (!this.me) return;
    this.me = null;
    setCsrf(null);
    const next = router.path + router.search;
    router.unsaved.clear();
    router.go(next === '/' ? '/login' : `/login?next=${encodeURIComponent(next)}`);
  }
  may(permission: string): boolean {
    return this.me?.permissions.includes(permission) ?? false;
  }
}
export const session = new Session();
