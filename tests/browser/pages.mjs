// Every page, in light and dark, wide and narrow: loads, has no accessibility violation, does not scroll
// sideways, breaks no policy. Prints one JSON line a page; SCREENSHOTS=dir keeps pictures.
import { axe, env, launch, login, open, overflow, settle, shot } from './lib.mjs';

const PAGES = {
  overview: '/', log: '/log', 'log-filter': '/log?verdict=blocked&categories=!advertising', 'log-live': '/log?live=1', policy: '/policy', rule: '/policy/rules/no-gambling', 'rule-new': '/policy/rules/new',
  lists: '/policy/lists', 'list-edit': '/policy/lists?name=always-allowed', schedules: '/policy/schedules', 'schedule-edit': '/policy/schedules?name=work-hours', tests: '/policy/tests', changes: '/policy/changes',
  history: '/policy/history', compare: '/policy/history?from=1&to=2', raw: '/policy/raw', convert: '/policy/convert', rehearse: '/policy/rehearse', pending: '/policy/pending?state=all', patterns: '/policy/patterns', publishing: '/system/publishing', upstreams: '/system/upstreams', category: '/categories/gambling', quotas: '/users/quotas', subscriptions: '/subscriptions', exceptions: '/policy/exceptions', sessions: '/system/sessions', backup: '/system/backup', 'test-empty': '/test', test: '/test?url=http%3A%2F%2Fcasino.example%2Fcasino%2Froulette&user=bob&groups=staff&groups=sales',
  categories: '/categories?host=www.casino.example', users: '/users', directory: '/users/directory', pac: '/pac', deploy: '/pac/deploy', system: '/system', settings: '/system/settings', accounts: '/system/accounts',
  tokens: '/system/tokens', audit: '/system/audit', jobs: '/system/jobs', nothing: '/no/such/page',
};
const only = process.argv.slice(2);
const browser = await launch();
let bad = 0;
function say(name, problems) {
  bad += problems.length;
  console.log(JSON.stringify({ name, problems }));
}
async function look(dark, width) {
  const name = `${dark ? 'dark' : 'light'}-${width}`;
  const page = await open(browser, { width, height: width === 360 ? 740 : 800, dark });
  const checked = async (what, to) => {
    if (only.length && !only.includes(what)) return;
    page.trouble.length = 0;
    const problems = [];
    try {
      await to();
      const wide = await overflow(page);
      if (wide > 0) problems.push(`scrolls sideways by ${wide} px`);
      await shot(page, `${what}-${name}`);
      problems.push(...(await axe(page)));
    } catch (e) {
      problems.push(String(e.message).slice(0, 400));
      await shot(page, `${what}-${name}`).catch(() => undefined);
    }
    say(`${what}-${name}`, [...problems, ...page.trouble]);
  };
  await page.goto(env.base + '/login');
  await settle(page);
  await checked('login', () => undefined);
  await login(page);
  await page.waitForTimeout(300);
  for (const [what, path] of Object.entries(PAGES))
    await checked(what, async () => {
      await page.goto(env.base + path);
      if (what === 'nothing') await page.getByText('There is no such page.').waitFor();
      else await settle(page);
      await page.waitForTimeout(what === 'log-live' ? 1500 : 150);
    });
  await checked('record', async () => {
    await page.goto(env.base + '/log?verdict=blocked');
    await settle(page);
    await page.locator('table.log tbody tr:not(.pad) td.c-time button').first().click();
    await page.getByRole('dialog').waitFor();
    await page.waitForTimeout(200);
  });
  await checked('exception', async () => {
    await page.goto(env.base + '/log?verdict=blocked');
    await settle(page);
    await page.locator('table.log tbody tr:not(.pad) td.c-time button').first().click();
    await page.getByRole('button', { name: 'Make an exception' }).click();
    await page.getByRole('heading', { name: 'New exception' }).waitFor();
    await page.waitForTimeout(600);
  });
  await checked('why', async () => {
    await page.goto(env.base + '/log?verdict=blocked');
    await settle(page);
    await page.locator('table.log tbody tr:not(.pad) td.c-time button').first().click();
    await page.getByRole('link', { name: 'Why?' }).click();
    await page.getByRole('heading', { name: /^Record \d+$/, level: 1 }).waitFor();
    await settle(page);
  });
  await page.context().close();
}
try {
  // Two at a time: most of it is waiting.
  for (const dark of [false, true]) await Promise.all([look(dark, 1280), look(dark, 360)]);
} finally {
  await browser.close();
}
process.exit(bad ? 1 : 0);
