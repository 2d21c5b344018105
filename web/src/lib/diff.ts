// Changes of a policy, put in the order and the words in which people review them. Pure.
import type { Change, Conditions, Fault, Policy, Rule } from './types';

export interface ChangeGroup { kind: Change['kind']; changes: Change[] }
const ORDER: Change['kind'][] = ['rule', 'list', 'schedule', 'test', 'setting'];

/** One group per kind, rules first; in a group by place, removed ones where they were. */
export function groupChanges(changes: Change[]): ChangeGroup[] {
  return ORDER.map((kind) => ({
    kind,
    changes: changes
      .filter((c) => c.kind === kind)
      .sort((a, b) => (a.to_position ?? a.from_position ?? 0) - (b.to_position ?? b.from_position ?? 0) || a.name.localeCompare(b.name)),
  })).filter((g) => g.changes.length > 0);
}

export function countByOp(changes: Change[]): Record<Change['op'], number> {
  const n = { added: 0, removed: 0, changed: 0, moved: 0 };
  for (const c of changes) n[c.op]++;
  return n;
}

export interface ListDelta { added: string[]; removed: string[]; same: number }
/** What came and went, when both sides are lists of plain values. */
export function listDelta(before: unknown, after: unknown): ListDelta | null {
  const plain = (v: unknown): v is (string | number)[] => Array.isArray(v) && v.every((x) => typeof x === 'string' || typeof x === 'number');
  const b = before === null || before === undefined ? [] : before;
  const a = after === null || after === undefined ? [] : after;
  if (!plain(b) || !plain(a) || (!b.length && !a.length)) return null;
  const bs = new Set(b.map(String));
  const as = new Set(a.map(String));
  return { added: [...as].filter((x) => !bs.has(x)), removed: [...bs].filter((x) => !as.has(x)), same: [...as].filter((x) => bs.has(x)).length };
}

export function plainValue(v: unknown): string {
  if (v === null || v === undefined || v === '') return '–';
  if (typeof v === 'string') return v;
  if (typeof v === 'number' || typeof v === 'boolean') return String(v);
  return JSON.stringify(v);
}

/** Moves one element; both positions are within the list. */
export function moved<T>(list: T[], from: number, to: number): T[] {
  const out = list.slice();
  const [x] = out.splice(from, 1);
  out.splice(Math.max(0, Math.min(to, out.length)), 0, x);
  return out;
}

/** The page that edits what a fault of a policy document points at. */
export function faultHref(fault: Fault, doc: Policy): string {
  const part = fault.pointer.split('/').slice(1);
  const at = Number(part[1]);
  switch (part[0]) {
    case 'rules': {
      const rule = doc.rules[at];
      return rule ? `/policy/rules/${encodeURIComponent(rule.id)}` : '/policy';
    }
    case 'lists':
      return doc.lists?.[at] ? `/policy/lists?name=${encodeURIComponent(doc.lists[at].name)}` : '/policy/lists';
    case 'schedules':
      return doc.schedules?.[at] ? `/policy/schedules?name=${encodeURIComponent(doc.schedules[at].name)}` : '/policy/schedules';
    case 'tests':
      return '/policy/tests';
    default:
      return '/policy/raw';
  }
}

/** A short id that no other rule has, made from the name. */
export function ruleId(name: string, rules: Rule[]): string {
  const base = name.toLowerCase().normalize('NFKD').replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 40) || 'rule';
  const taken = new Set(rules.map((r) => r.id));
  for (let i = 1; ; i++) {
    const id = i === 1 ? base : `${base}-${i}`;
    if (!taken.has(id)) return id;
  }
}

/** Empty condition arrays say nothing and are left out of the document. */
export function tidyConditions(c: Conditions | undefined): Conditions {
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(c ?? {})) {
    if (value === undefined || value === null || (Array.isArray(value) && value.length === 0)) continue;
    out[key] = value;
  }
  return out as Conditions;
}

/** What does not go with the rule's action, or says nothing, is left out of the document. */
export function tidyRule(rule: Rule): Rule {
  const out = { ...rule };
  if (out.action !== 'redirect') delete out.redirect_url;
  if (out.action !== 'warn' && out.action !== 'override') delete out.remember_minutes;
  if (out.action !== 'override') delete out.override;
  else if (out.override && !out.override.password) {
    out.override = { ...out.override };
    delete out.override.password;
  }
  if (out.action !== 'allow' || !(out.quota?.minutes_per_day || out.quota?.bytes_per_day)) delete out.quota;
  for (const key of ['tls', 'log', 'safe_search', 'scan', 'remember_minutes', 'upstream'] as const) if (!out[key]) delete out[key];
  if (!Object.keys(out.set_headers ?? {}).length) delete out.set_headers;
  if (!out.limit?.bytes_per_second) delete out.limit;
  return out;
}
