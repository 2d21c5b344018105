import { describe, expect, it } from 'vitest';
import { buildQuery, href, matchPath, safeNext, withQuery } from '../src/lib/url';

describe('addresses as state', () => {
  it('leaves out what says nothing and repeats lists', () => {
    expect(buildQuery({ a: '1', b: '', c: null, d: undefined, e: ['x', 'y'], f: false, g: true, h: 0 })).toBe('a=1&e=x&e=y&g=1&h=0');
    expect(href('/log')).toBe('/log');
    expect(href('/log', { host: '!*.corp.example' })).toBe('/log?host=%21*.corp.example');
  });
  it('changes some keys and keeps the others', () => {
    expect(withQuery(new URLSearchParams('a=1&b=2&b=3'), { b: '4', a: null, c: 5 })).toBe('b=4&c=5');
  });
  it.each([
    ['/', '/', {}], ['/', '/log', null], ['/log', '/log/', {}], ['/policy/rules/:id', '/policy/rules/no%2Fgambling', { id: 'no/gambling' }],
    ['/policy/rules/:id', '/policy/rules/', null], ['/policy/rules/:id', '/policy/rules/a/b', null], ['/a/:x', '/a/%E0%A4%A', null],
  ])('%s against %s', (pattern, path, want) => expect(matchPath(pattern, path)).toEqual(want));
  it.each([['/log?x=1', '/log?x=1'], ['//evil.example', '/'], ['/\\evil.example', '/'], ['https://evil.example', '/'], ['/login', '/'], [null, '/']])('after the login %s leads to %s', (next, want) =>
    expect(safeNext(next)).toBe(want));
});
