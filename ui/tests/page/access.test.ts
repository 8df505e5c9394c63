// WCAG AA by axe in every view, by keyboard alone, on 320 pixels, in the dark and in Korean.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import type { Page } from 'playwright-core';

import { digest } from '../standin/world';
import { base, hashOf, inWorld, setUp, until } from './harness';

setUp();

const require = createRequire(import.meta.url);
const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const VIEWS: [string, string][] = [
  ['runs', '#/ml/runs'],
  ['graph', '#/ml/runs/churn-18'],
  ['step', '#/ml/runs/churn-18?step=train'],
  ['data of a step', '#/ml/runs/churn-18?step=train&tab=data'],
  ['log', '#/ml/runs/churn-18?step=train&tab=log'],
  ['curves', '#/ml/runs/churn-18?step=train&tab=curves'],
  ['events', '#/ml/runs/churn-18?step=train&tab=events'],
  ['timeline', '#/ml/runs/flights-40?view=timeline'],
  ['details', '#/ml/runs/flights-40?view=details'],
  ['5,000 steps', '#/big/runs/five-thousand'],
  ['grid', '#/ml/grid?pipeline=flights'],
  ['compare', '#/ml/compare?runs=flights-40,flights-37'],
  ['pipelines', '#/ml/pipelines'],
  ['pipeline', '#/ml/pipelines/flights'],
  ['models', '#/ml/models'],
  ['model', '#/ml/models/flights'],
  ['lineage', '#/ml/lineage?model=flights'],
  ['artifact', `#/ml/artifacts/${digest(78)}`],
  ['statistics', `#/ml/artifacts/${digest(76)}`],
];

interface Finding {
  id: string;
  nodes: { target: string[]; failureSummary: string }[];
}

// Put in as the tools of the browser do, which the page's policy does not hold.
async function findings(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const found = await page.evaluate(async () => {
    const { axe } = window as unknown as {
      axe: { run: (o: unknown) => Promise<{ violations: Finding[] }> };
    };
    const runOnly = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    return (await axe.run({ runOnly })).violations;
  });
  return found.flatMap((f) =>
    f.nodes.map((n) => `${f.id}: ${n.target.join(' ')}: ${n.failureSummary}`),
  );
}

async function visit(page: Page, hash: string) {
  await page.goto(`${base}/${hash}`);
  await page.locator('main h1:visible, main h2:visible').first().waitFor();
  await until(
    'what it shows',
    async () => (await page.getByText('Loading', { exact: true }).count()) === 0,
  );
  await page.waitForTimeout(150);
}

for (const scheme of ['light', 'dark'] as const) {
  inWorld(`every view passes axe, ${scheme}`, { hash: '', colorScheme: scheme }, async (page) => {
    for (const [name, hash] of VIEWS) {
      await visit(page, hash);
      assert.deepEqual(await findings(page), [], `${name}, ${scheme}`);
    }
  });
}

const DIALOGS: [string, string][] = [
  ['#/ml/pipelines/flights', 'Run'],
  ['#/ml/runs/flights-31', 'Rerun'],
  ['#/ml/runs/flights-40?step=evaluate', 'Rerun from here'],
  ['#/ml/runs/flights-41?step=go', 'Approve'],
  ['#/ml/models/flights', 'Approve'],
];

for (const width of [1280, 320]) {
  inWorld(
    `dialogs pass axe, ${width} pixels wide`,
    { hash: '', viewport: { width, height: 800 } },
    async (page) => {
      for (const [hash, name] of DIALOGS) {
        await visit(page, hash);
        await page.getByRole('button', { name, exact: true }).click();
        const dialog = page.getByRole('dialog');
        await dialog.waitFor();
        assert.deepEqual(await findings(page), [], `${name} of ${hash}`);
        const box = (await dialog.boundingBox())!;
        assert.ok(box.x >= 0 && box.x + box.width <= width, `${name} of ${hash} is cut`);
        await page.keyboard.press('Escape');
        await dialog.waitFor({ state: 'detached' });
      }
    },
  );
}

inWorld(
  'no view is wider than 320 pixels',
  { hash: '', viewport: { width: 320, height: 640 } },
  async (page) => {
    for (const [name, hash] of VIEWS) {
      await visit(page, hash);
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(width <= 320, `${name} is ${width} pixels wide`);
    }
  },
);

inWorld(
  'on 320 pixels a row still says phase, name and reason',
  { hash: '#/ml/runs', viewport: { width: 320, height: 640 } },
  async (page) => {
    const row = page.getByRole('row').filter({ hasText: 'churn-18' });
    await row.getByText('OutOfMemory').waitFor();
    assert.ok(await row.getByText('Failed').isVisible());
  },
);

inWorld(
  'by the keyboard alone: from the runs to the log of a failed step, and back',
  { hash: '#/ml/runs' },
  async (page) => {
    const focused = () => page.evaluate(() => document.activeElement?.textContent ?? '');
    await page.getByText('churn-18').waitFor();
    await page.keyboard.press('Tab');
    assert.equal(await focused(), 'Skip to content');
    await page.keyboard.press('Enter');
    for (let n = 0; n < 20; n += 1) {
      if (await page.evaluate(() => document.activeElement?.getAttribute('role') === 'table'))
        break;
      await page.keyboard.press('Tab');
    }
    for (let n = 0; n < 3; n += 1) await page.keyboard.press('ArrowDown');
    await until(
      'the row',
      async () =>
        (await hashOf(page)) === '#/ml/runs' &&
        (await page.locator('.row.cursor').innerText()).includes('churn-18'),
    );
    await page.locator('.row.cursor a').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: /churn-18/ }).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('train');
    await until('the filter', async () => (await hashOf(page)).includes('find=train'));
    await page.keyboard.press('Tab');
    await page.keyboard.press('ArrowDown');
    await until('the step', async () => (await focused()) === 'train');
    await page.keyboard.press('Enter');
    await page.getByRole('complementary', { name: 'Step train' }).waitFor();
    await page.keyboard.press('Escape');
    await until(
      'the panel to close',
      async () => (await page.getByRole('complementary').count()) === 0,
    );
    await page.goBack();
    await page.getByRole('complementary', { name: 'Step train' }).waitFor();
  },
);

inWorld(
  'arrow keys walk the graph, and Enter opens a step',
  { hash: '#/ml/runs/churn-18' },
  async (page) => {
    const graph = page.getByRole('group', { name: /Graph of/ });
    await graph.getByRole('link', { name: /^fetch-accounts/ }).focus();
    await page.keyboard.press('ArrowDown');
    const said = () =>
      page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? '');
    await until('join', async () => (await said()).startsWith('join'));
    await page.keyboard.press('Enter');
    await page.getByRole('complementary', { name: 'Step join' }).waitFor();
  },
);

inWorld(
  'a dialog gives the focus back to the button that opened it',
  { hash: '#/ml/runs/churn-18' },
  async (page) => {
    const button = page.getByRole('button', { name: 'Rerun' });
    await button.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await until('the dialog to close', async () => (await page.getByRole('dialog').count()) === 0);
    assert.ok(await button.evaluate((element) => element === document.activeElement));
  },
);

inWorld(
  'who reads Korean sees Korean, and may choose English',
  { hash: '#/ml/runs', locale: 'ko-KR' },
  async (page) => {
    await page.getByRole('heading', { name: '실행' }).waitFor();
    assert.equal(await page.evaluate(() => document.documentElement.lang), 'ko');
    await page.getByRole('combobox', { name: '언어' }).selectOption('en');
    await page.getByRole('heading', { name: 'Runs' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Runs' }).waitFor();
  },
);

inWorld('? lists the keys', { hash: '#/ml/runs' }, async (page) => {
  await page.getByRole('heading', { name: 'Runs' }).waitFor();
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keyboard' }).getByText('search').waitFor();
});
