// The pages that people meet when the proxy refuses, warns or asks: in Chromium, through the proxy. First what they do
// (go on, give a reason, a password, ask why a tunnel was refused), then how they look: light and dark, 360 and 1280 wide, English
// and German, with axe.
import { chromium } from 'playwright-core';
import { axe, check, overflow, same, shot } from './lib.mjs';

const proxy = process.env.PROXY, origin = process.env.ORIGIN_PORT;
const at = (host, path = '/type/text/html') => `http://${host}.test:${origin}${path}`;
const why = `http://${proxy}/why`;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  proxy: { server: `http://${proxy}` },
});

async function open({ width = 1280, dark = false, language = 'en-GB', login } = {}) {
  const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme: dark ? 'dark' : 'light', locale: language, httpCredentials: login });
  const page = await context.newPage();
  page.trouble = [];
  page.on('console', (m) => /content security policy/i.test(m.text()) && page.trouble.push(m.text()));
  page.setDefaultTimeout(15000);
  return page;
}

async function goOn() {
  const page = await open();
  await page.goto(at('warn'));
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.waitForURL(at('warn'));
  same(await page.locator('h1').count(), 0, 'the page of the origin');
  check((await page.goto(at('warn'))).status() === 200, 'the warning is remembered');
}

async function giveReason() {
  const page = await open();
  await page.goto(at('why'));
  await page.getByRole('button', { name: 'Continue' }).click(); // empty: the browser itself says no
  check(page.url() === at('why'), 'an empty reason is not sent');
  await page.getByLabel('Your reason').fill('a'.repeat(4) + ' '.repeat(20) + 'b');
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('alert').waitFor();
  same(await axe(page), [], 'axe: a reason that is too short');
  await page.getByLabel('Your reason').fill('The yearly audit asks for it');
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.waitForURL(at('why'));
  same(page.trouble, [], 'what the content policy stopped');
}

async function givePassword() {
  const page = await open();
  await page.goto(at('pass'));
  await page.getByLabel('Password').fill('not this');
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByText('That was not the password.').waitFor();
  await page.getByLabel('Password').fill('open sesame');
  await page.keyboard.press('Enter');
  await page.waitForURL(at('pass'));
}

/** What Chromium says about a tunnel that was refused, and what /why then does about it. */
async function askWhy() {
  const page = await open();
  const tunnel = `https://tun.test:${origin}/`;
  const refused = async () => {
    const other = await open(); // it goes on to a page of the browser's own
    const what = await other.goto(tunnel).then(() => 'opened', (e) => String(e.message).match(/ERR_\w+/)?.[0] ?? String(e));
    await other.context().close();
    return what;
  };
  same(await refused(), 'ERR_TUNNEL_CONNECTION_FAILED', 'the browser shows nothing of our answer');
  await page.goto(why);
  const section = page.locator('section', { hasText: `tun.test:${origin}` });
  await section.getByText('Think twice').waitFor();
  await section.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('heading', { name: 'You may go on' }).waitFor();
  check((await refused()) !== 'ERR_TUNNEL_CONNECTION_FAILED', 'the tunnel opens now');
  same(page.trouble, [], 'what the content policy stopped');
}

/** A page elsewhere cannot read what /why says, nor be shown around a form of ours. */
async function strangers() {
  const page = await open();
  await page.goto(at('fine'));
  const read = await page.evaluate((url) => fetch(url).then((r) => r.text(), () => 'stopped'), why);
  same(read, 'stopped', 'another origin reads /why');
  await page.setContent(`<iframe src="${at('frame')}"></iframe>`);
  await page.waitForTimeout(500);
  const inside = await page.frames().at(-1).locator('form').count().catch(() => 0);
  same(inside, 0, 'a form of ours inside a frame');
}

const looks = [
  ['blocked', at('blocked')], ['warned', at('frame')], ['override', at('later')], ['password', at('secret')],
  ['spent', at('spent')], ['no-such-host', at('nowhere')], ['why', why], ['why-empty', `${why}?host=nothing.example`], ['quota', `http://${proxy}/quota`, true],
];

async function see() {
  for (const [width, dark, language, few] of [[1280, false, 'en-GB'], [360, true, 'de-DE'], [1280, true, 'de-DE', true], [360, false, 'en-GB', true]]) {
    for (const [name, url, withLogin] of few ? looks.filter(([n]) => ['override', 'why'].includes(n)) : looks) {
      const page = await open({ width, dark, language, login: withLogin ? { username: 'alice', password: 'wonderland-7' } : undefined });
      await page.goto(url);
      const where = `${name} ${width} ${dark ? 'dark' : 'light'} ${language}`;
      same(await axe(page), [], `axe: ${where}`);
      check((await overflow(page)) <= 0, `${where} is wider than the window`);
      same(page.trouble, [], where);
      await shot(page, `page-${name}-${width}-${dark ? 'dark' : 'light'}`);
      await page.context().close();
    }
  }
}

try {
  for (const step of [goOn, giveReason, givePassword, askWhy, strangers, see]) {
    await step();
    console.log(`ok ${step.name}`);
  }
} finally {
  await browser.close();
}
