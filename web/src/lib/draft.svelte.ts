// The draft policy as every page sees it: the document, its ETag, what differs from the live one, undo.
// Saves run one after the other, and edits made while one runs go out together; a save against an older
// ETag ends in `conflict`, nothing is overwritten. Documents share what did not change, so that undo over
// ten thousand rules stays small: a change replaces elements, it never writes into one.
import { api, ApiError, load } from './api';
import { t } from './i18n.svelte';
import { toasts } from './toasts.svelte';
import type { Diff, DraftSaved, Policy, Report, Rule } from './types';

const UNDO_DEPTH = 50;
const DIFF_AFTER_MS = 300;

/** A document of its own arrays; the elements are shared with p. */
const sharing = (p: Policy): Policy => ({
  ...p, default: { ...p.default }, rules: p.rules.slice(), ...(p.lists && { lists: p.lists.slice() }), ...(p.schedules && { schedules: p.schedules.slice() }), ...(p.tests && { tests: p.tests.slice() }),
});

/** Rules in which a name of a list or schedule is another from now on. */
export function renamed(rules: Rule[], key: 'lists' | 'schedules', from: string, to: string): Rule[] {
  const side = (c: Rule['when']) => (c?.[key]?.includes(from) ? { ...c, [key]: c[key].map((n) => (n === from ? to : n)) } : c);
  return rules.map((r) => {
    const when = side(r.when);
    const unless = side(r.unless);
    return when === r.when && unless === r.unless ? r : { ...r, when, unless };
  });
}

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
  private running: Promise<boolean> | null = null;
  private next: { doc: Policy; done: Promise<boolean> } | null = null;
  private diffTimer: ReturnType<typeof setTimeout> | undefined;

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
    clearTimeout(this.diffTimer);
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

  /** Changes a document of its own arrays (replace elements, do not write into them) and saves it. False: not saved, the reason was shown. */
  async edit(change: (doc: Policy) => void, undoable = true): Promise<boolean> {
    if (!this.doc) return false;
    const before = this.doc;
    const after = sharing(before);
    change(after);
    return this.take(after, undoable ? before : null);
  }
  private take(after: Policy, before: Policy | null): Promise<boolean> {
    this.doc = after;
    if (before) {
      this.undoStack = [...this.undoStack, before].slice(-UNDO_DEPTH);
      this.redoStack = [];
    }
    return this.save(after);
  }
  /** One save at a time; of what is edited meanwhile only the last goes out. */
  private save(doc: Policy): Promise<boolean> {
    if (!this.running) return this.start(doc);
    if (this.next) this.next.doc = doc;
    else {
      const next = { doc, done: Promise.resolve(false) };
      next.done = this.running.then((saved) => {
        this.next = null;
        return saved ? this.start(next.doc) : false;
      });
      this.next = next;
    }
    return this.next!.done;
  }
  private start(doc: Policy): Promise<boolean> {
    const job = this.put(doc).finally(() => {
      if (this.running === job) this.running = null;
    });
    this.running = job;
    return job;
  }
  private async put(doc: Policy): Promise<boolean> {
    this.saving++;
    try {
      const a = await api.send<DraftSaved>('PUT', '/policy/draft', doc, { etag: this.etag });
      this.etag = a.etag ?? a.data.etag;
      this.report = a.data.report;
      clearTimeout(this.diffTimer);
      this.diffTimer = setTimeout(() => void this.refreshDiff(), DIFF_AFTER_MS);
      return true;
    } catch (e) {
      if (e instanceof ApiError && e.status === 412) this.conflict = this.doc;
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
    if (keep === 'ours' && ours) await this.take(ours, this.doc);
    else toasts.ok(t('The draft of the other person was loaded.'));
  }

  async undo() {
    const last = this.undoStack.at(-1);
    if (!last || !this.doc) return;
    this.undoStack = this.undoStack.slice(0, -1);
    this.redoStack = [...this.redoStack, this.doc];
    await this.take(last, null);
  }
  async redo() {
    const next = this.redoStack.at(-1);
    if (!next || !this.doc) return;
    this.redoStack = this.redoStack.slice(0, -1);
    this.undoStack = [...this.undoStack, this.doc];
    await this.take(next, null);
  }
}
export const draft = new Draft();
