// The main job as people meet it: a browser that knows the PAC file and nothing else. Prints one JSON object of what it saw.
import { chromium } from 'playwright-core';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { env, login, open, settle } from './lib.mjs';

const { PAC_URL, PAGE_URL, BLOCKED_URL, BLOCKED_TLS, LOGIN_USER, LOGIN_PASSWORD } = process.env;
const ARGS = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

/** A window of somebody at work; answers the proxy's login prompt when credentials are given. */
async function person(browser, credentials) {
  const context = await browser.newContext({ httpCredentials: credentials, ignoreHTTPSErrors: true, locale: 'en-GB' });
  return context.newPage();
}

async function seen(page, url) {
  try {
    const r = await page.goto(url, { timeout: 20000 });
    return { status: r.status(), text: (await page.locator('body').innerText()).slice(0, 2000), title: await page.title() };
  } catch (e) {
    return { error: String(e.message).split('\n')[0] };
  }
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: [...ARGS, `--proxy-pac-url=${PAC_URL}`] });
const out = {};
try {
  out.stranger = await seen(await person(browser), PAGE_URL); // nobody answers the prompt
  const page = await person(browser, { username: LOGIN_USER, password: LOGIN_PASSWORD });
  out.page = await seen(page, PAGE_URL);
  out.blocked = await seen(page, BLOCKED_URL);
  if (env.shots) {
    mkdirSync(env.shots, { recursive: true });
    await page.screenshot({ path: join(env.shots, 'block-page-light-1280.png') });
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.setViewportSize({ width: 360, height: 720 });
    await page.screenshot({ path: join(env.shots, 'block-page-dark-360.png') });
  }
  out.blocked_tls = await seen(page, BLOCKED_TLS);
} finally {
  await browser.close();
}

const desk = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ARGS });
try {
  const page = await open(desk);
  await login(page);
  await page.goto(`${env.base}/log`);
  await settle(page);
  await page.getByText('casino.example').first().waitFor();
  out.log = await page.locator('main').innerText();
  await page.getByText('casino.example').first().click();
  await page.getByText('Policy version', { exact: true }).first().waitFor();
  out.record = await page.locator('[role=dialog], dialog, aside').last().innerText();
  out.trouble = page.trouble;
} finally {
  await desk.close();
}
console.log(JSON.stringify(out));
