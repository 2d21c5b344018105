// Every page, in light and dark, wide and narrow: loads, has no accessibility violation, does not scroll
// sideways, breaks no policy. Prints one JSON line a page; SCREENSHOTS=dir keeps pictures.
import { axe, env, launch, login, open, overflow, settle, shot } from './lib.mjs';

const PAGES = {
  overview: '/', log: '/log', 'log-filter': '/log?verdict=blocked&categories=!advertising', 'log-live': '/log?live=1', policy: '/policy', rule: '/policy/rules/no-gambling', 'rule-new': '/policy/rules/new',
  lists: '/policy/lists', 'list-edit': '/policy/lists?name=always-allowed', schedules: '/policy/schedules', 'schedule-edit': '/policy/schedules?name=work-hours', tests: '/policy/tests', changes: '/policy/changes',
  history: '/policy/history', compare: '/policy/history?from=1&to=2', raw: '/policy/raw', convert: '/policy/convert', rehearse: '/policy/rehearse', category: '/categories/gambling', quotas: '/users/quotas', 'test-empty': '/test', test: '/test?url=http%3A%2F%2Fcasino.example%2Fcasino%2Froulette&user=bob&groups=staff&groups=sales',
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
try {
  for (const dark of [false, true]) {
    for (const width of [1280, 360]) {
      const look = `${dark ? 'dark' : 'light'}-${width}`;
      const page = await open(browser, { width, height: width === 360 ? 740 : 800, dark });
      await page.goto(env.base + '/login');
      await settle(page);
      if (!only.length || only.includes('login')) {
        await shot(page, `login-${look}`);
        say(`login-${look}`, [...(await axe(page)), ...((await overflow(page)) > 0 ? ['scrolls sideways'] : [])]);
      }
      await login(page);
      await page.waitForTimeout(300);
      for (const [name, path] of Object.entries(PAGES)) {
        if (only.length && !only.includes(name)) continue;
        page.trouble.length = 0;
        const problems = [];
        try {
          await page.goto(env.base + path);
          if (name === 'nothing') await page.getByText('There is no such page.').waitFor();
          else await settle(page);
          await page.waitForTimeout(name === 'log-live' ? 1500 : 350);
          const wide = await overflow(page);
          if (wide > 0) problems.push(`scrolls sideways by ${wide} px`);
          await shot(page, `${name}-${look}`);
          problems.push(...(await axe(page)));
        } catch (e) {
          problems.push(String(e.message).slice(0, 400));
          await shot(page, `${name}-${look}`).catch(() => undefined);
        }
        say(`${name}-${look}`, [...problems, ...page.trouble]);
      }
      const first = await open(browser, { width, dark, state: await page.context().storageState() });
      if (!only.length || only.includes('record')) {
        await first.goto(env.base + '/log?verdict=blocked');
        await settle(first);
        await first.locator('table.log tbody tr:not(.pad) td.c-time button').first().click();
        await first.getByRole('dialog').waitFor();
        await first.waitForTimeout(200);
        await shot(first, `record-${look}`);
        say(`record-${look}`, [...(await axe(first)), ...first.trouble]);
      }
      await first.context().close();
      await page.context().close();
    }
  }
} finally {
  await browser.close();
}
process.exit(bad ? 1 : 0);
