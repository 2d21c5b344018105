// Bundle gate: prints what the pages weigh and fails above the budget (gzip, kB of 1000 bytes).
// shell: what every page needs before its own chunk: index.html, its scripts and styles.
// first: the heaviest page opened first, in a language with a catalogue: shell, the page's chunk with all it imports, the catalogue.
// total: every file; nobody loads them all.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const BUDGET = { shell: 60, first: 150, total: 320 };
const DIR = 'dist/assets';
const gz = (path) => gzipSync(readFileSync(path), { level: 9 }).length / 1000;
const names = readdirSync(DIR).filter((n) => !n.endsWith('.gz'));
const weight = new Map(names.map((n) => [n, gz(join(DIR, n))]));
const sum = (set) => [...set].reduce((n, name) => n + (weight.get(name) ?? 0), 0);
const html = readFileSync('dist/index.html', 'utf8');
const first = [...html.matchAll(/(?:src|href)="\/assets\/([^"]+)"/g)].map((m) => m[1]);

/** A script, what it imports at once, and the styles that travel with each of them. */
function closure(name, seen = new Set()) {
  if (seen.has(name)) return seen;
  seen.add(name);
  const stem = name.replace(/-.{8}\.js$/, '');
  for (const n of names) if (n.startsWith(`${stem}-`) && n.endsWith('.css') && n.length === stem.length + 13) seen.add(n);
  for (const m of readFileSync(join(DIR, name), 'utf8').matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g)) closure(m[1], seen);
  return seen;
}
const shell = new Set(first.flatMap((n) => (n.endsWith('.js') ? [...closure(n)] : [n])));
const index = gz('dist/index.html');
const catalogue = sum(names.filter((n) => /^de-.*\.js$/.test(n))); // of the pages, and of what the server says
const entry = [...shell].filter((n) => n.endsWith('.js')).map((n) => readFileSync(join(DIR, n), 'utf8')).join();
const chunks = names.filter((n) => n.endsWith('.js') && !shell.has(n) && !n.startsWith('de-') && entry.includes(n));
const pages = chunks.map((n) => [n.replace(/-.{8}\.js$/, ''), index + catalogue + sum(new Set([...shell, ...closure(n)]))]).sort((a, b) => b[1] - a[1]);
const extra = readdirSync('dist').filter((n) => /\.(html|svg)$/.test(n) && statSync(join('dist', n)).isFile());
const total = sum(names) + extra.reduce((n, name) => n + gz(join('dist', name)), 0);
const kb = (n) => +n.toFixed(1);
const got = { shell: index + sum(shell), first: pages[0][1], total };
console.log(JSON.stringify({ shell_kb: kb(got.shell), first_load_kb: kb(got.first), heaviest: pages[0][0], catalogue_kb: kb(catalogue), total_kb: kb(total), files: names.length + extra.length, budget_kb: BUDGET, pages_kb: Object.fromEntries(pages.map(([n, v]) => [n, kb(v)])) }));
for (const key of Object.keys(BUDGET)) {
  if (got[key] <= BUDGET[key]) continue;
  console.error(`error: web: ${key} is over its budget: ${kb(got[key])} of ${BUDGET[key]} kB`);
  process.exitCode = 1;
}
