// The log's filters: chips <-> query of the address <-> query of the API, and the text people type. Pure.

export interface Chip { field: string; value: string; exclude: boolean }

export const FIELDS = [
  'verdict', 'host', 'user', 'groups', 'client', 'categories', 'rule', 'rule_name', 'url', 'method', 'status', 'scheme', 'port', 'content_type',
  'bytes_out', 'bytes_in', 'duration_ms', 'tls', 'cache', 'policy_version', 'upstream', 'user_agent', 'referer', 'error', 'node',
] as const;
export type Field = (typeof FIELDS)[number];

const SHORT: Record<string, Field> = {
  category: 'categories', group: 'groups', ip: 'client', type: 'content_type', mime: 'content_type', agent: 'user_agent', version: 'policy_version',
  bytes: 'bytes_out', duration: 'duration_ms', action: 'verdict', domain: 'host', site: 'host',
};
export const VERDICTS = ['allowed', 'blocked', 'warned', 'denied_auth', 'refused', 'error'];
/** Fields with a small fixed set of values. */
export const VALUES: Partial<Record<Field, string[]>> = {
  verdict: VERDICTS,
  scheme: ['http', 'https', 'connect'],
  tls: ['none', 'tunnel', 'inspected'],
  cache: ['none', 'miss', 'hit', 'revalidated'],
  method: ['GET', 'POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'CONNECT'],
};

export function fieldOf(name: string): Field | null {
  const n = name.toLowerCase();
  if ((FIELDS as readonly string[]).includes(n)) return n as Field;
  return Object.hasOwn(SHORT, n) ? SHORT[n] : null;
}

/** Cuts at spaces outside double quotes. */
function words(text: string): string[] {
  return (text.match(/(?:[^\s"]|"[^"]*"?)+/g) ?? []).map((w) => w.replace(/"/g, ''));
}

/**
 * What was typed, as chips: `host:example.com -user:bob status:500..599 !verdict=allowed casino`.
 * A word without a field is looked for in the URL when it has a slash, as a client when it is an address,
 * else anywhere in the host name.
 */
export function parseFilter(text: string): Chip[] {
  return words(text).map((word) => {
    let exclude = false;
    let w = word;
    if (/^[-!]./.test(w)) {
      exclude = true;
      w = w.slice(1);
    }
    const cut = w.search(/[:=]/);
    const field = cut > 0 ? fieldOf(w.slice(0, cut)) : null;
    if (field && cut + 1 < w.length) {
      let value = w.slice(cut + 1);
      if (value.startsWith('!')) {
        exclude = !exclude;
        value = value.slice(1);
      }
      return { field, value, exclude };
    }
    if (/^https?:\/\//.test(w) || w.includes('/')) return { field: 'url', value: glob(w), exclude };
    if (/^\d{1,3}(\.\d{1,3}){3}$/.test(w) || /^[0-9a-f:]*:[0-9a-f:]+$/i.test(w)) return { field: 'client', value: w, exclude };
    return { field: 'host', value: glob(w), exclude };
  });
}
function glob(w: string): string {
  return w.includes('*') ? w : `*${w}*`;
}

/** Chips of an address; keys that are no fields are left alone. */
export function chipsOf(q: URLSearchParams): Chip[] {
  const out: Chip[] = [];
  for (const [key, value] of q) {
    if (!(FIELDS as readonly string[]).includes(key) || !value) continue;
    const exclude = value.startsWith('!');
    out.push({ field: key, value: exclude ? value.slice(1) : value, exclude });
  }
  return out;
}

/** [name, value] pairs for the address and the API alike. */
export function pairsOf(chips: Chip[]): [string, string][] {
  return chips.map((c) => [c.field, (c.exclude ? '!' : '') + c.value]);
}

export function addChip(chips: Chip[], chip: Chip): Chip[] {
  const same = chips.findIndex((c) => c.field === chip.field && c.value === chip.value);
  if (same >= 0) return chips.map((c, i) => (i === same ? chip : c));
  return [...chips, chip];
}

/** The address of the log with these filters; every number of the dashboard links here. */
export function logHref(filters: Record<string, string | string[]>, range?: { from?: string; to?: string }): string {
  const p = new URLSearchParams();
  if (range?.from) p.set('from', range.from);
  if (range?.to && range.to !== 'now') p.set('to', range.to);
  for (const [key, value] of Object.entries(filters)) for (const v of Array.isArray(value) ? value : [value]) p.append(key, v);
  const s = p.toString();
  return s ? `/log?${s}` : '/log';
}

/** Milliseconds of "now-24h"; null when it is an absolute time. */
export function relativeMs(from: string): number | null {
  const m = /^now-(\d+)([smhdw])$/.exec(from);
  if (!m) return null;
  return Number(m[1]) * { s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5 }[m[2] as 's']!;
}
