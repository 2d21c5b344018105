// Sentences of the server: each that the C sources can say about a document has its German, and none is left over.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import de from '../src/i18n/de-server.json';
import { Said } from '../src/lib/said';

const catalogue = de as Record<string, string>;
const LITERALS = /"(?:[^"\\\n]|\\.)*"(?:\s*"(?:[^"\\\n]|\\.)*")*/g;

/** As a key: quotes as they are, {1} {2} for the places of values; places side by side are one. */
function key(literals: string): string {
  let n = 0;
  const text = [...literals.matchAll(/"((?:[^"\\\n]|\\.)*)"/g)].map((m) => m[1]).join('').replace(/\\(["\\])/g, '$1');
  return text.replace(/%%|(?:%(?:\.\*|\.?\d+)*(?:ll|l|z)?[sduxgfc])+/g, (x) => (x === '%%' ? '%' : `{${++n}}`));
}
function source(path: string): string {
  return readFileSync(path, 'utf8').replace(/\/\*[^]*?\*\//g, '').replace(/'(?:\\.|[^'\\])'/g, '0').replace(/#include[^\n]*/g, '');
}
const rooms = ['policies', 'adminui', 'db', 'base', 'pac'].flatMap((room) => readdirSync(join('..', room)).filter((f) => f.endsWith('.c')).map((f) => ({ room, text: source(join('..', room, f)) })));
const all = new Set(rooms.flatMap((x) => (x.text.match(LITERALS) ?? []).map(key)));

/** What a policy document can be told: faults, warnings, findings. */
function told(text: string): string[] {
  const out: string[] = [];
  for (const m of text.matchAll(/\b(?:report_fault|report_warning|reader_fault|lint_list_add)\(/g)) {
    const rest = text.slice(m.index + m[0].length);
    const end = /\)\s*;/.exec(rest.replace(LITERALS, (s) => 'x'.repeat(s.length)))?.index ?? 0;
    out.push(...(rest.slice(0, end).match(LITERALS) ?? []).map(key).filter((k) => k.includes(' ')));
  }
  return out;
}

/** The clauses that explain_text.c puts together from its table of words. */
function clauses(): string[] {
  const text = readFileSync('../policies/explain_text.c', 'utf8');
  const rows = [...text.matchAll(/\[KEY_\w+\] = \{([^}]*)\}/g)].map((m) => [...m[1].matchAll(/"([^"]*)"/g)].map((x) => x[1]));
  expect(rows.length).toBeGreaterThan(15);
  return rows.flatMap(([who, is, isNone, none, were, wereNot]) => [`${who} ${is} {1}`, `${who} ${isNone} {1}`, `${who} ${isNone} any of the {1} ${none} named`, `${who} ${were} {1}`, `${who} ${wereNot} {1}`]);
}
const composed = [...clauses(), 'If {1}, it would be {2}.', '{1} or one of {2} more', '{1} nor any of the {2} others named', '{1} (by its entry {2})', '{1} (by way of {2})', 'exempt, for {1}'];
const places = (s: string) => [...new Set([...s.matchAll(/\{\d/g)].map((m) => m[0]))].sort().join();

describe('German of the server', () => {
  it('has what a document can be told', () => {
    const needed = rooms.filter((x) => x.room === 'policies').flatMap((x) => told(x.text));
    expect(needed.length).toBeGreaterThan(80);
    expect([...new Set(needed)].filter((k) => !catalogue[k])).toEqual([]);
  });
  it('has every clause of an explanation', () => expect(composed.filter((k) => !catalogue[k])).toEqual([]));
  it('has none that nobody says', () => expect(Object.keys(catalogue).filter((k) => !all.has(k) && !composed.includes(k))).toEqual([]));
  it('has the same places for values', () => expect(Object.keys(catalogue).filter((k) => places(k) !== places(catalogue[k]))).toEqual([]));
});

describe('a sentence', () => {
  const said = new Said(catalogue);
  const table: [string, string][] = [
    ['"a b" is not a method.', '„a b“ ist keine Methode.'],
    ['There is no list "x" in this document.', 'Eine Liste „x“ gibt es in diesem Dokument nicht.'],
    ['Rule "A" can never fit: its list is empty.', 'Regel "A" kann nie passen: Ihre Liste ist leer.'],
    ['Blocked by rule "No games" (number 3), because the site is in the category games (by its entry play.example), and the user is in the group staff.',
      'Gesperrt durch Regel „No games“ (Nummer 3): die Seite ist in der Kategorie games (durch den Eintrag play.example) und die Person ist in der Gruppe staff.'],
    ['Does not fit: the user is not any of the 3 people named.', 'Passt nicht: die Person ist keine der 3 genannten.'],
    ['If the host were below a.example or one of 2 more, it would be allowed.', 'Läge der Host unter a.example oder eines von 2 weiteren, wäre es erlaubt.'],
    ['something nobody knows', 'something nobody knows'],
    ['', ''],
  ];
  for (const [text, want] of table) it(text || 'empty', () => expect(said.in(text)).toBe(want));
  it('is not searched for twice, nor kept without end', () => {
    for (let i = 0; i < 5000; i++) said.in(`There is no list "${i}" in this document.`);
    expect(said.in('There is no list "7" in this document.')).toBe('Eine Liste „7“ gibt es in diesem Dokument nicht.');
  });
  it('is not taken from where it was not put', () => expect(said.in('constructor')).toBe('constructor'));
});
