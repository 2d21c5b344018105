// Bundle gate: prints what the pages weigh and fails above the budget (gzip, kB of 1000 bytes).
// The shell is what the first page needs before its own chunk: index.html, its scripts and styles.
// A language's catalogue is loaded by those who choose it alone and has its own budget.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const BUDGET = { total: 150, shell: 60, catalogue: 20 };
const gz = (path) => gzipSync(readFileSync(path), { level: 9 }).length / 1000;
const html = readFileSync('dist/index.html', 'utf8');
const first = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map((m) => join('dist', m[1]));
const assets = readdirSync('dist/assets').filter((n) => !n.endsWith('.gz'));
const catalogues = assets.filter((n) => /^de-/.test(n)).map((n) => join('dist/assets', n));
const all = assets.map((n) => join('dist/assets', n)).filter((n) => !catalogues.includes(n));
const extra = readdirSync('dist').filter((n) => /\.(html|svg)$/.test(n) && statSync(join('dist', n)).isFile()).map((n) => join('dist', n));
const sum = (paths) => paths.reduce((n, p) => n + gz(p), 0);
const shell = sum([...first, 'dist/index.html']);
const total = sum([...all, ...extra]);
console.log(JSON.stringify({ shell_kb: +shell.toFixed(1), total_kb: +total.toFixed(1), catalogue_kb: +sum(catalogues).toFixed(1), files: all.length + extra.length, budget_kb: BUDGET }));
if (shell > BUDGET.shell || total > BUDGET.total || sum(catalogues) > BUDGET.catalogue) {
  console.error('error: web: over the size budget');
  process.exit(1);
}
