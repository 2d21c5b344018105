// The draft policy as every page sees it: the document, its ETag, what differs from the live one, undo.
// Saves run one after the other; a save against an older ETag ends in `conflict`, nothing is overwritten.
import { api, ApiError, load } from './api';
import { t } from './i18n.svelte';
import { toasts } from './toasts.svelte';
import type { Diff, DraftSaved, Policy, Report } from './types';

const UNDO_DEPTH = 50;
const copy = (p: Policy): Policy => JSON.parse(JSON.stringify(p)) as Policy;

class Draft {
  doc = $state.raw<Policy | null>(null);
  etag = $state<string | null>(null);
  report = $state.raw<Report | null>(null);
  diff = $state.raw<Diff | null>(null);
  error = $state.raw<unknown>(null);
  saving = $state(0);
  conflict = $state.raw<Policy | null>(null); // ours, while theirs is on the server
  undoStack = $state.raw<Policy[]>([]);
  redoStack = $state.raw<Policy[]>([]);
  private queue: Promise<unknown> = Promise.resolve();

  get changes(): number {
    return this.diff?.changes.length ?? 0;
  }

  async refresh() {
    try {
      const a = await load<Policy>('/policy/draft');
      if (a.etag !== this.etag || !this.doc) {
        this.doc = a.data;
        this.etag = a.etag;
        this.undoStack = [];
        this.redoStack = [];
      }
      this.error = null;
    } catch (e) {
      this.error = e;
    }
    await this.refreshDiff();
  }
  async refreshDiff() {
    try {
      this.diff = await api.get<Diff>('/policy/diff?from=live&to=draft');
    } catch {
      this.diff = null;
    }
  }
  async validate() {
    try {
      this.report = await api.post<Report>('/policy/draft:validate');
    } catch (e) {
      toasts.error(e);
    }
  }

  /** Changes a copy of the document and saves it. False: not saved, the reason was shown. */
  async edit(change: (doc: Policy) => void, undoable = true): Promise<boolean> {
    if (!this.doc) return false;
    const before = this.doc;
    const after = copy(before);
    change(after);
    this.doc = after;
    if (undoable) {
      this.undoStack = [...this.undoStack, before].slice(-UNDO_DEPTH);
      this.redoStack = [];
    }
    const job = this.queue.then(() => this.put(after));
    this.queue = job.catch(() => undefined);
    return job;
  }
  private async put(doc: Policy): Promise<boolean> {
    this.saving++;
    try {
      const a = await api.send<DraftSaved>('PUT', '/policy/draft', doc, { etag: this.etag });
      this.etag = a.etag ?? a.data.etag;
      this.report = a.data.report;
      void this.refreshDiff();
      return true;
    } catch (e) {
      if (e instanceof ApiError && e.status === 412) this.conflict = doc;
      else {
        toasts.error(e);
        this.etag = null;
        await this.refresh();
      }
      return false;
    } finally {
      this.saving--;
    }
  }
  /** After a conflict: theirs replaces ours, or ours is saved over theirs. */
  async resolve(keep: 'ours' | 'theirs') {
    const ours = this.conflict;
    this.conflict = null;
    this.etag = null;
    this.doc = null;
    await this.refresh();
    if (keep === 'ours' && ours) await this.edit((d) => Object.assign(clear(d), ours));
    else toasts.ok(t('The draft of the other person was loaded.'));
  }

  async undo() {
    const last = this.undoStack.at(-1);
    if (!last || !this.doc) return;
    this.undoStack = this.undoStack.slice(0, -1);
    this.redoStack = [...this.redoStack, this.doc];
    await this.edit((d) => Object.assign(clear(d), copy(last)), false);
  }
  async redo() {
    const next = this.redoStack.at(-1);
    if (!next || !this.doc) return;
    this.redoStack = this.redoStack.slice(0, -1);
    this.undoStack = [...this.undoStack, this.doc];
    await this.edit((d) => Object.assign(clear(d), copy(next)), false);
  }
}
function clear(d: Policy): Policy {
  for (const k of Object.keys(d)) delete (d as unknown as Record<string, unknown>)[k];
  return d;
}
export const draft = new Draft();
