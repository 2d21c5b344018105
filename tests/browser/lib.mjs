// What every browser test shares: Chromium with a watched page, log in, axe over CDP, screenshots.
// Anything the content security policy stops, any request that leaves the origin and any script error fails the test.
import { createRequire } from 'node:module';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const require = createRequire(import.meta.url);
const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
export const env = {
  base: process.env.DASHBOARD,
  user: process.env.ADMIN_USER ?? 'admin',
  password: process.env.ADMIN_PASSWORD,
  proxy: process.env.PROXY,
  shots: process.env.SCREENSHOTS ?? '',
};
const ARGS = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

export async function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ARGS });
}

/** A page in a context of its own; page.trouble collects what must not happen. */
export async function open(browser, { width = 1280, height = 800, dark = false, state, language = 'en-GB', acceptDownloads = true } = {}) {
  const context = await browser.newContext({
    viewport: { width, height }, ignoreHTTPSErrors: true, colorScheme: dark ? 'dark' : 'light', locale: language, storageState: state, acceptDownloads, reducedMotion: 'reduce', hasTouch: width < 500,
  });
  const page = await context.newPage();
  page.trouble = [];
  page.on('request', (r) => {
    const u = new URL(r.url());
    if (u.origin !== env.base && !['data:', 'blob:', 'about:'].includes(u.protocol)) page.trouble.push(`request leaves the origin: ${r.url()}`);
  });
  page.on('console', (m) => {
    if (/content security policy|trusted ?type/i.test(m.text())) page.trouble.push(`policy: ${m.text()}`);
  });
  page.on('pageerror', (e) => page.trouble.push(`script error: ${e.message}\n${e.stack ?? ''}`));
  page.asked = []; // what the page asked; page.answer is the answer
  page.answer = true;
  page.on('dialog', (d) => {
    page.asked.push(d.message());
    return page.answer ? d.accept() : d.dismiss();
  });
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', (e) => console.warn(`content security policy: ${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`));
  });
  page.setDefaultTimeout(Number(process.env.PATIENCE ?? 15000));
  return page;
}

export async function login(page, password = env.password, to = '/') {
  await page.goto(env.base + to);
  await page.getByLabel('User name').fill(env.user);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.locator('.topbar, .wizard').first().waitFor();
}

/** Goes to a path and waits until nothing is loading any more. */
export async function visit(page, path) {
  await page.goto(env.base + path);
  await settle(page);
}
export async function settle(page) {
  await page.locator('h1').first().waitFor();
  await page.waitForFunction(() => !document.querySelector('.skeleton'), undefined, { timeout: 10000 });
  await page.waitForTimeout(150);
}

/** Violations of WCAG 2 A and AA, as readable lines. axe comes in over the debugger, not as a script tag. */
export async function axe(page) {
  const cdp = await page.context().newCDPSession(page);
  const run = async (expression) => {
    const r = await cdp.send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
    if (r.exceptionDetails) throw new Error(r.exceptionDetails.exception?.description ?? r.exceptionDetails.text);
    return r.result.value;
  };
  await run(AXE + ';undefined');
  const found = await run(`axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'], rules: { region: { enabled: false } } })
    .then((r) => r.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.target.join(' ') + ' [' + (n.any[0]?.message ?? n.all[0]?.message ?? n.none[0]?.message ?? '') + ']').slice(0, 4).join(' | ')))`);
  await cdp.detach();
  return found;
}

/** By how many pixels the page is wider than the window. */
export const overflow = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

export async function shot(page, name) {
  if (!env.shots) return;
  mkdirSync(env.shots, { recursive: true });
  await page.screenshot({ path: join(env.shots, `${name}.png`), fullPage: !name.startsWith('log') && !(await page.locator('dialog[open]').count()) });
}

export function check(condition, message) {
  if (!condition) throw new Error(message);
}
export const same = (got, want, what) => check(JSON.stringify(got) === JSON.stringify(want), `${what}: got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);
