// Every sentence of the sources is in every catalogue, with the same places for values, and none is left over.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import de from '../src/i18n/de.json';

function sources(dir: string): string[] {
  return readdirSync(dir).flatMap((n) => (statSync(join(dir, n)).isDirectory() ? sources(join(dir, n)) : /\.(svelte|ts)$/.test(n) ? [join(dir, n)] : []));
}
const text = `'((?:[^'\\\\]|\\\\.)*)'`;
const keys = new Set<string>();
for (const path of sources('src')) {
  const s = readFileSync(path, 'utf8');
  for (const m of s.matchAll(new RegExp(`\\bt\\(\\s*${text}`, 'g'))) keys.add(m[1]);
  for (const m of s.matchAll(new RegExp(`\\btn\\([^\\n]*?,\\s*${text},\\s*${text}\\)`, 'g'))) {
    keys.add(m[1]);
    keys.add(m[2]);
  }
  if (path.endsWith('routes.ts')) for (const m of s.matchAll(/title: '([^']+)'/g)) keys.add(m[1]);
}
const places = (s: string) => [...s.matchAll(/\{\w+\}/g)].map((m) => m[0]).sort();

describe('German', () => {
  const catalogue = de as Record<string, string>;
  it('the sources have sentences', () => expect(keys.size).toBeGreaterThan(700));
  it('lacks none', () => expect([...keys].filter((k) => !catalogue[k])).toEqual([]));
  it('has none that is not used', () => expect(Object.keys(catalogue).filter((k) => !keys.has(k))).toEqual([]));
  it('has the same places for values', () => expect([...keys].filter((k) => catalogue[k] && String(places(k)) !== String(places(catalogue[k])))).toEqual([]));
});
