// What the linter finds in the draft: asked again a moment after each save, while a page shows it.
import { api } from './api';
import { draft } from './draft.svelte';
import { t } from './i18n.svelte';
import type { Finding, Lint } from './types';

const AFTER_MS = 500;

class Findings {
  now = $state.raw<Lint | null>(null);
  error = $state.raw<unknown>(null);
  byRule = $derived.by(() => {
    const out = new Map<string, Finding[]>();
    for (const f of this.now?.findings ?? []) if (f.rule) out.set(f.rule, [...(out.get(f.rule) ?? []), f]);
    return out;
  });
  private etag: string | null = null;

  /** Call in an effect of the page: asks when the draft is another than at the last time. */
  watch(): () => void {
    const etag = draft.etag;
    if (!etag || etag === this.etag) return () => undefined;
    const timer = setTimeout(() => void this.ask(etag), this.now ? AFTER_MS : 0);
    return () => clearTimeout(timer);
  }
  async ask(etag = draft.etag) {
    try {
      this.now = await api.get<Lint>('/policy/draft/lint');
      this.etag = etag;
      this.error = null;
    } catch (e) {
      this.error = e;
    }
  }
}
export const lint = new Findings();

/** The word for one kind of finding. */
export function kindLabel(kind: string): string {
  switch (kind) {
    case 'never': return t('can never fit');
    case 'shadowed': return t('never reached');
    case 'redundant': return t('changes nothing');
    case 'duplicate': return t('twice');
    case 'conflict': return t('conflict');
    case 'empty-list': return t('empty list');
    case 'unknown-category': return t('unknown category');
    case 'expired': return t('expired');
    case 'idle': return t('no hit for long');
    case 'untested': return t('not tested');
    case 'unused-list': return t('unused list');
    case 'unused-schedule': return t('unused schedule');
    case 'no-tests': return t('no tests');
    default: return kind.replace(/[-_]/g, ' ');
  }
}
export const severityLook: Record<Finding['severity'], [string, string]> = { error: ['bad', 'warn'], warning: ['warn', 'warn'], hint: ['info', 'info'] };

const rank = { error: 0, warning: 1, hint: 2 };
/** The gravest of some findings. */
export const worst = (all: Finding[]) => all.reduce<Finding['severity']>((w, f) => (rank[f.severity] < rank[w] ? f.severity : w), 'hint');
