// Names, messages and logs of somebody who wants the page to do something.
import assert from 'node:assert/strict';

import type { Page } from 'playwright-core';

import { IMAGE, SLASHES, TURNED } from '../standin/hostile';
import { inWorld, setUp } from './harness';

setUp();

const of = (run: string) => `#/hostile/runs/${encodeURIComponent(run)}`;
const hurt = (page: Page) => page.evaluate(() => (window as unknown as { hurt?: number }).hurt);

async function isUnhurt(page: Page) {
  await page.waitForTimeout(200);
  assert.equal(await hurt(page), undefined);
  assert.equal(await page.locator('main img, main script').count(), 0);
  assert.doesNotMatch(await page.locator('body').innerText(), /\u202e/);
}

inWorld('in the table of runs', { hash: '#/hostile/runs' }, async (page) => {
  await page.getByRole('link', { name: IMAGE }).waitFor();
  await page.getByRole('link', { name: 'invoice\\u{202e}fdp.exe' }).waitFor();
  await isUnhurt(page);
});

for (const run of [IMAGE, TURNED, SLASHES]) {
  inWorld(`in a run that is named ${JSON.stringify(run)}`, { hash: of(run) }, async (page) => {
    await page.getByRole('group', { name: 'Graph of 3 steps' }).getByRole('link').first().waitFor();
    for (const view of ['steps', 'timeline', 'details']) {
      await page.goto(`${page.url().split('?')[0]}?view=${view}`);
      await isUnhurt(page);
    }
  });
}

inWorld(
  'in the panel of a step',
  { hash: `${of(IMAGE)}?step=${encodeURIComponent(IMAGE)}` },
  async (page) => {
    const panel = page.getByRole('complementary');
    await panel.getByText('</script><script>window.hurt=2</script>').first().waitFor();
    for (const tab of ['Data', 'Curves', 'Events']) {
      await panel.getByRole('link', { name: tab, exact: true }).click();
      await isUnhurt(page);
    }
  },
);

inWorld(
  'in a log: markup, links, cursor movements, long lines, carriage returns',
  { hash: `${of(IMAGE)}?step=${encodeURIComponent(IMAGE)}&tab=log` },
  async (page) => {
    const log = page.getByRole('log');
    await log.getByText('progress 100%').waitFor();
    const text = await log.innerText();
    assert.match(text, /<\/script><script>window\.hurt=2<\/script><img src=x/);
    assert.match(text, /click me/);
    assert.doesNotMatch(text, /progress 1%|javascript:/);
    assert.match(text, /x{4096} … 5904/);
    assert.equal(await log.getByRole('link').count(), 0);
    assert.equal(
      await log
        .getByText('true', { exact: true })
        .evaluate((e) => getComputedStyle(e.closest('[style]') ?? e).color),
      'rgb(1, 200, 100)',
    );
    await isUnhurt(page);
  },
);

inWorld(
  'in the form of a run',
  { hash: `#/hostile/pipelines/${encodeURIComponent(IMAGE)}` },
  async (page) => {
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.getByRole('dialog').getByLabel(`${IMAGE} string`).waitFor();
    await isUnhurt(page);
  },
);

inWorld(
  'a command line quotes what it holds',
  { hash: `${of(IMAGE)}?step=${encodeURIComponent(IMAGE)}&tab=log` },
  async (page) => {
    await page.getByText(`penstock logs '${IMAGE}' '${IMAGE}' -n hostile`).waitFor();
  },
);
