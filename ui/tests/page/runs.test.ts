import assert from 'node:assert/strict';

import type { List, RunRow } from '../../src/api/types';
import { answerWith, gateway, hashOf, inWorld, setUp, until } from './harness';

setUp();

const RUNS = '**/api/v1/namespaces/ml/runs?*';

const rowsOf = (page: import('playwright-core').Page) =>
  page.getByRole('table', { name: 'Runs' }).getByRole('row');

inWorld('opening the page leads to the runs of the first namespace', { hash: '' }, async (page) => {
  await page.getByRole('heading', { name: 'Runs' }).waitFor();
  assert.equal(await hashOf(page), '#/ml/runs');
});

inWorld('each row says its phase in a word, and why', { hash: '#/ml/runs' }, async (page) => {
  const row = rowsOf(page).filter({ hasText: 'churn-18' });
  await row.waitFor();
  const text = await row.innerText();
  assert.match(text, /Failed/);
  assert.match(text, /train:\s+the program was killed at its memory limit[^]*OutOfMemory/);
  assert.match(text, /7\/7/);
});

inWorld(
  'a row of a failed run names the step once, then the cause; all of it is its title',
  { hash: '#/ml/runs?q=flights-10' },
  async (page) => {
    const reason = rowsOf(page).filter({ hasText: 'flights-10' }).locator('.reason');
    await reason.waitFor();
    assert.equal(
      await reason.locator('.cause').innerText(),
      'ingest: CSV line 3: Expected 2 columns, got 3',
    );
    assert.match((await reason.getAttribute('title'))!, /exit code 1: .*january\.csv/);
    assert.equal(await reason.locator('.reason-label').innerText(), 'ExitCode');
  },
);

inWorld(
  'runs of one pipeline are told apart by the ends of their names where there is no room for all',
  { hash: '#/ml/runs', viewport: { width: 900, height: 600 } },
  async (page) => {
    await answerWith<List<RunRow>>(page, RUNS, ({ items }) => {
      items[0]!.name = 'houses-e901c5d0be-18';
    });
    await page.reload();
    const link = page.getByRole('link', { name: 'houses-e901c5d0be-18', exact: true });
    await link.waitFor();
    const cell = (await link.locator('xpath=..').boundingBox())!;
    const head = (await link.locator('.name-head').boundingBox())!;
    const end = await link.evaluate((element) => {
      const range = document.createRange();
      range.selectNodeContents(element.querySelector('bdi')!.lastChild!);
      const { left, right } = range.getBoundingClientRect();
      return { left, right };
    });
    assert.ok(end.left >= head.x + head.width - 1 && end.right <= cell.x + cell.width + 1);
    assert.ok(await link.locator('.name-head').evaluate((e) => e.scrollWidth > e.clientWidth));
  },
);

inWorld(
  'columns that no run has anything in are not there',
  { hash: '#/ml/runs' },
  async (page) => {
    const named = (name: string) => page.getByRole('columnheader', { name, exact: true });
    await named('Cause').waitFor();
    await named('User').waitFor();
    await answerWith<List<RunRow>>(page, RUNS, ({ items }) => {
      for (const row of items) delete row.user;
    });
    await page.reload();
    await named('Cause').waitFor();
    assert.equal(await named('User').count(), 0);
  },
);

inWorld(
  'a filter stands in the address and survives a reload',
  { hash: '#/ml/runs' },
  async (page) => {
    await page.getByRole('combobox', { name: 'Phase' }).selectOption('Failed');
    await until('the address', async () => (await hashOf(page)).includes('phase=Failed'));
    await page.getByRole('searchbox', { name: 'Part of a name' }).fill('flights');
    await until('the text in the address', async () => (await hashOf(page)).includes('q=flights'));
    const only = async () => {
      const texts = await rowsOf(page).allInnerTexts();
      return texts.length > 1 && texts.slice(1).every((text) => /Failed[^]*flights/.test(text));
    };
    await until('only failed runs of flights', only);
    await page.reload();
    await until('the same after a reload', only);
    assert.equal(
      await page.getByRole('searchbox', { name: 'Part of a name' }).inputValue(),
      'flights',
    );
    await page.getByRole('link', { name: 'Reset filters' }).click();
    await page.getByText('churn-38').waitFor();
  },
);

inWorld(
  'a filter that finds nothing says so',
  { hash: '#/ml/runs?q=nothing-of-that-name' },
  async (page) => {
    await page.getByText('No run matches.').waitFor();
  },
);

inWorld('a run that ends is seen to end without a reload', { hash: '#/ml/runs' }, async (page) => {
  const row = rowsOf(page).filter({ hasText: 'flights-42' });
  await row.filter({ hasText: 'Running' }).waitFor();
  const run = gateway.namespaces.get('ml')!.runs.get('flights-42')!;
  Object.assign(run.row, { phase: 'Succeeded', finished: new Date().toISOString() });
  await row.filter({ hasText: 'Succeeded' }).waitFor({ timeout: 6000 });
  Object.assign(run.row, { phase: 'Running', finished: undefined });
});

inWorld(
  'what has not changed is answered with 304 and not sent again',
  { hash: '#/ml/runs' },
  async (page) => {
    const response = await page.waitForResponse(
      (r) => r.url().includes('/runs?') && r.status() === 304,
    );
    assert.ok(response.request().headers()['if-none-match']);
  },
);

inWorld(
  '10,000 runs are scrolled through without 10,000 rows in the document',
  { hash: '#/many/runs' },
  async (page) => {
    const table = page.getByRole('table', { name: 'Runs' });
    await table.getByText('run-10000').waitFor();
    await table.focus();
    for (let n = 0; n < 40; n += 1) {
      await page.keyboard.press('End');
      if ((await page.getByText('10000 loaded', { exact: true }).count()) > 0) break;
      await page.waitForTimeout(100);
    }
    await page.keyboard.press('End');
    await table.getByText('run-00001').waitFor();
    assert.ok((await rowsOf(page).count()) < 80);
    assert.equal(await table.getAttribute('aria-rowcount'), '10001');
  },
);

inWorld(
  'two runs are picked and compared',
  { hash: '#/ml/runs?pipeline=flights' },
  async (page) => {
    await page.getByRole('checkbox', { name: 'Compare: flights-40' }).check();
    await page.getByRole('checkbox', { name: 'Compare: flights-37' }).check();
    await page.getByRole('link', { name: 'Compare (2)' }).click();
    await page.getByRole('heading', { name: 'Compare' }).waitFor();
    assert.match(await hashOf(page), /runs=flights-40%2Cflights-37/);
  },
);

inWorld(
  'a gateway that is away is said, and asked again',
  { hash: '#/ml/runs', expected: /503|Failed to load/ },
  async (page) => {
    await page.getByText('flights-42').waitFor();
    await page.route('**/api/v1/namespaces/ml/runs?*', (route) =>
      route.fulfill({
        status: 503,
        contentType: 'application/json',
        body: '{"error":{"code":"Overloaded","message":"try again"}}',
      }),
    );
    await page.getByRole('alert').filter({ hasText: 'Overloaded' }).waitFor({ timeout: 6000 });
    assert.ok(await page.getByText('flights-42').isVisible());
    await page.unroute('**/api/v1/namespaces/ml/runs?*');
    await page.getByRole('button', { name: 'Try again' }).click();
    await until('the alert to go', async () => (await page.getByRole('alert').count()) === 0);
  },
);
