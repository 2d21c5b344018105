import { describe, expect, it } from 'vitest';
import { countByOp, faultHref, groupChanges, listDelta, moved, plainValue, ruleId, tidyConditions } from '../src/lib/diff';
import type { Change, Policy } from '../src/lib/types';

const change = (op: Change['op'], kind: Change['kind'], id: string, from: number | null = null, to: number | null = null): Change => ({ op, kind, id, name: id, from_position: from, to_position: to, fields: [] });

describe('changes of a policy', () => {
  it('are grouped by kind, rules first, by place', () => {
    const all = [change('changed', 'setting', 'default'), change('added', 'rule', 'z', null, 4), change('removed', 'rule', 'a', 1), change('changed', 'list', 'l')];
    const groups = groupChanges(all);
    expect(groups.map((g) => g.kind)).toEqual(['rule', 'list', 'setting']);
    expect(groups[0].changes.map((c) => c.id)).toEqual(['a', 'z']);
    expect(countByOp(all)).toEqual({ added: 1, removed: 1, changed: 2, moved: 0 });
  });
  it('of lists say what came and went', () => {
    expect(listDelta(['a', 'b'], ['b', 'c'])).toEqual({ added: ['c'], removed: ['a'], same: 1 });
    expect(listDelta(null, [443])).toEqual({ added: ['443'], removed: [], same: 0 });
    expect(listDelta('a', 'b')).toBeNull();
    expect(listDelta(null, null)).toBeNull();
    expect(listDelta([{ a: 1 }], [])).toBeNull();
  });
  it('show plain values plainly', () => expect([null, '', 'x', true, { a: 1 }].map(plainValue)).toEqual(['–', '–', 'x', 'true', '{"a":1}']));
});

describe('rules', () => {
  it.each([[0, 2, 'bca'], [2, 0, 'cab'], [1, 1, 'abc'], [0, 99, 'bca'], [2, -5, 'cab']])('moved from %i to %i', (from, to, want) => expect(moved(['a', 'b', 'c'], from, to).join('')).toBe(want));
  it('get an id of their own', () => {
    const rules = [{ id: 'no-games', action: 'block' as const }];
    expect(ruleId('No games!', rules)).toBe('no-games-2');
    expect(ruleId('Überblick', [])).toBe('u-berblick');
    expect(ruleId('???', [])).toBe('rule');
  });
  it('hold no empty condition', () => expect(tidyConditions({ hosts: [], users: ['a'], min_bytes: undefined })).toEqual({ users: ['a'] }));
  it('faults lead to the page that mends them', () => {
    const doc: Policy = { default: { action: 'allow' }, rules: [{ id: 'a/b', action: 'block' }], lists: [{ name: 'l', kind: 'domains', entries: [] }], schedules: [], tests: [] };
    const at = (pointer: string) => faultHref({ pointer, code: '', message: '' }, doc);
    expect(at('/rules/0/when/hosts/3')).toBe('/policy/rules/a%2Fb');
    expect(at('/rules/9')).toBe('/policy');
    expect(at('/lists/0/entries/1')).toBe('/policy/lists?name=l');
    expect(at('/tests/0')).toBe('/policy/tests');
    expect(at('')).toBe('/policy/raw');
  });
});
