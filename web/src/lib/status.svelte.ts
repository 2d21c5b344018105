// The state of both programs, asked for every few seconds while the page is looked at.
import { api } from './api';
import { draft } from './draft.svelte';
import type { Status } from './types';

const EVERY_MS = 10000;

class StatusFeed {
  now = $state.raw<Status | null>(null);
  lost = $state(false); // adminui itself does not answer
  private timer: ReturnType<typeof setInterval> | undefined;
  private wasChanged: boolean | null = null;

  start() {
    void this.ask();
    clearInterval(this.timer);
    this.timer = setInterval(() => document.visibilityState === 'visible' && void this.ask(), EVERY_MS);
  }
  stop() {
    clearInterval(this.timer);
    this.now = null;
    this.wasChanged = null;
  }
  async ask() {
    try {
      this.now = await api.get<Status>('/status');
      this.lost = false;
      if (this.wasChanged !== null && this.wasChanged !== this.now.policy.draft_changed && !draft.saving) void draft.refreshDiff();
      this.wasChanged = this.now.policy.draft_changed;
    } catch {
      this.lost = true;
    }
  }
  get health(): 'ok' | 'warn' | 'bad' | 'unknown' {
    if (this.lost) return 'bad';
    if (!this.now) return 'unknown';
    if (!this.now.proxyd.running) return 'bad';
    return this.now.warnings.length ? 'warn' : 'ok';
  }
}
export const status = new StatusFeed();
