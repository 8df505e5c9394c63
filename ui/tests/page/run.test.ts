import assert from 'node:assert/strict';

import { appear, assertInView, lateBox } from './graph_box';
import { gateway, hashOf, inWorld, setUp, until } from './harness';

setUp();

inWorld(
  'the graph has a link for each step that says how it stands',
  { hash: '#/ml/runs/churn-18' },
  async (page) => {
    const train = page
      .getByRole('group', { name: 'Graph of 7 steps' })
      .getByRole('link', { name: 'train OutOfMemory, Failed' });
    await train.click();
    await page.getByRole('complementary', { name: 'Step train' }).waitFor();
    assert.match(await hashOf(page), /step=train/);
  },
);

inWorld(
  'the step panel says why, what was run, and each attempt',
  { hash: '#/ml/runs/churn-18?step=train' },
  async (page) => {
    const panel = page.getByRole('complementary', { name: 'Step train' });
    await panel.getByText('its budget of 2 retries is spent').waitFor();
    await panel
      .getByText("penstock-component train --rounds 200 --label 'late = '\\''yes'\\'''")
      .waitFor();
    assert.equal(await panel.getByRole('listitem').filter({ hasText: 'OutOfMemory' }).count(), 3);
    await panel.getByText('std::bad_alloc').first().waitFor();
    await panel.getByText('NotFound', { exact: true }).waitFor();
    await page.keyboard.press('Escape');
    await until('the panel to close', async () => (await panel.count()) === 0);
  },
);

inWorld(
  'a cached step names the run that made it',
  { hash: '#/ml/runs/flights-42?step=ingest' },
  async (page) => {
    await page.getByRole('link', { name: 'Taken from the cache: made by run flights-41' }).click();
    assert.match(await hashOf(page), /runs\/flights-41\?step=ingest/);
  },
);

inWorld(
  'inputs and outputs are links by digest, and to the step that made them',
  { hash: '#/ml/runs/flights-41?step=train&tab=data' },
  async (page) => {
    const panel = page.getByRole('complementary', { name: 'Step train' });
    await panel.getByRole('link', { name: '← fold' }).waitFor();
    await panel
      .getByRole('link', { name: /^[0-9a-f]{12}$/ })
      .first()
      .waitFor();
  },
);

inWorld(
  'steps are sorted by what they took, and found by name',
  { hash: '#/ml/runs/flights-41?view=steps' },
  async (page) => {
    const table = page.getByRole('table', { name: 'Steps' });
    await table.getByRole('button', { name: 'Duration' }).click();
    await table.getByRole('button', { name: 'Duration' }).click();
    await until(
      'the sort',
      async () =>
        (await table.getByRole('columnheader', { name: 'Duration' }).getAttribute('aria-sort')) ===
        'descending',
    );
    assert.match(await table.getByRole('row').nth(1).innerText(), /go/);
    await page.getByRole('searchbox', { name: 'Find a step' }).fill('transf');
    await until('the rest to go', async () => (await table.getByRole('row').count()) === 2);
  },
);

inWorld(
  'a step that is told of by the stream changes in graph and table',
  { hash: '#/ml/runs/flights-42' },
  async (page) => {
    await page.getByRole('link', { name: /^train .*Running/ }).waitFor();
    await until('the stream', () => gateway.streams.some((s) => s.run === 'flights-42'));
    const run = gateway.namespaces.get('ml')!.runs.get('flights-42')!;
    const step = { ...run.steps.get('train')!, phase: 'Failed' };
    gateway.tell('step', 'ml', 'flights-42', step);
    await page.getByRole('link', { name: /^train.*, Failed/ }).waitFor({ timeout: 1500 });
    await page.getByRole('table', { name: 'Steps' }).getByText('Failed').waitFor();
  },
);

inWorld(
  'one browser has one stream, of the run that was opened last',
  { hash: '#/ml/runs/flights-42' },
  async (page) => {
    await until('a stream', () => gateway.streams.length === 1);
    const other = await page.context().newPage();
    await other.goto(`${page.url().split('#')[0]}#/ml/runs/flights-41`);
    await other.getByRole('heading', { name: /flights-41/ }).waitFor();
    await until(
      'the other run',
      () => gateway.streams.length === 1 && gateway.streams[0]!.run === 'flights-41',
    );
    await other.close();
  },
);

inWorld(
  'without a stream the run is asked for, and still changes',
  { hash: '#/ml/runs/flights-41', expected: /503/ },
  async (page) => {
    gateway.refuseStreams = true;
    await page.reload();
    await page.getByRole('link', { name: /^go AwaitingApproval, Running/ }).waitFor();
    const run = gateway.namespaces.get('ml')!.runs.get('flights-41')!;
    const before = run.steps.get('go')!;
    run.steps.set('go', { ...before, phase: 'Succeeded' });
    await page.getByRole('link', { name: /^go, Succeeded/ }).waitFor({ timeout: 5000 });
    run.steps.set('go', before);
    gateway.refuseStreams = false;
  },
);

inWorld(
  'the timeline tells queue, fetch, run and upload apart',
  { hash: '#/ml/runs/flights-40?view=timeline' },
  async (page) => {
    const bar = page
      .getByRole('table', { name: 'Timeline' })
      .getByRole('img', { name: /Succeeded: Queue/ })
      .first();
    assert.match(
      (await bar.getAttribute('aria-label')) ?? '',
      /Queue [\d.]+s, Fetch [\d.]+s, Run \d+s, Upload [\d.]+s/,
    );
    assert.equal(await bar.locator('i').count(), 4);
  },
);

inWorld(
  'a step that is a pipeline is one node, and leads to its run',
  { hash: '#/big/runs/nested' },
  async (page) => {
    const graph = page.getByRole('group', { name: /Graph of/ });
    await graph.getByRole('link', { name: 'prepare Pipeline, Succeeded' }).waitFor();
    assert.equal(await graph.getByRole('link', { name: /^each Items 40\/40/ }).count(), 1);
    await graph.getByRole('link', { name: 'prepare Pipeline, Succeeded' }).click();
    const panel = page.getByRole('complementary', { name: 'Step prepare' });
    await panel.getByRole('link', { name: 'Log', exact: true }).click();
    await panel.getByText('its steps are those of run ten-thousand').waitFor();
    await panel.getByRole('link', { name: 'Why', exact: true }).click();
    await panel.getByRole('link', { name: 'ten-thousand' }).click();
    await page.getByRole('heading', { name: /ten-thousand/ }).waitFor();
  },
);

inWorld(
  '5,000 steps are drawn on a canvas; a click and the arrow keys reach a step',
  { hash: '#/big/runs/five-thousand' },
  async (page) => {
    const canvas = page.getByRole('img', { name: 'Graph of 5000 steps' });
    await canvas.waitFor();
    await canvas.focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await until('a step', async () => /step=step-\d{4}/.test(await hashOf(page)));
  },
);

inWorld(
  'the log is coloured, searched and downloaded',
  { hash: '#/ml/runs/churn-18?step=train&tab=log' },
  async (page) => {
    const log = page.getByRole('log', { name: 'Log of step train' });
    await log.getByText('OutOfMemory: the program was killed').waitFor();
    assert.equal(
      await log.locator('.ansi-bright-red-fg, .ansi-red-fg').first().innerText(),
      'error',
    );
    assert.ok((await log.locator('.line').count()) < 120);
    await page.getByRole('searchbox', { name: 'Search the log' }).fill('warning');
    await page.getByText('1 of 4').waitFor();
    await page.getByRole('button', { name: 'Next', exact: true }).click();
    await page.getByText('2 of 4').waitFor();
    await until(
      'the match in view',
      async () => (await log.locator('.line.current mark').count()) === 1,
    );
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download' }).click(),
    ]);
    assert.equal(download.suggestedFilename(), 'churn-18-train.log');
  },
);

inWorld(
  'the curves of a loop are those of the item that is chosen, and it is said which that is',
  { hash: '#/ml/runs/flights-40?step=fold&tab=curves' },
  async (page) => {
    const panel = page.getByRole('complementary', { name: 'Step fold' });
    const item = panel.getByRole('spinbutton', { name: 'Item' });
    const loss = panel.getByRole('img', { name: /^loss\./ });
    await loss.waitFor();
    assert.equal(await item.inputValue(), '0');
    const first = await loss.getAttribute('aria-label');
    await item.fill('7');
    await item.press('Enter');
    await until('other curves', async () => (await loss.getAttribute('aria-label')) !== first);
    assert.match(await hashOf(page), /item=7/);
  },
);

inWorld(
  'the run graph is fitted when its box is shown, and what is chosen is in view',
  { hash: '#/ml/runs/flights-40?step=bless' },
  async (page) => {
    await page.addInitScript(lateBox);
    await page.reload();
    await appear(page, /Graph of/);
    await assertInView(page, page.locator('.node.selected'));
  },
);

inWorld(
  'a log that grows is followed to its end',
  { hash: '#/ml/runs/flights-42?step=train&tab=log' },
  async (page) => {
    const log = page.getByRole('log', { name: 'Log of step train' });
    await log.getByText('round 400').waitFor();
    const { logs } = gateway.namespaces.get('ml')!.runs.get('flights-42')!;
    logs.set('train', `${logs.get('train')}a line that was just written\n`);
    await log.getByText('a line that was just written').waitFor({ timeout: 4000 });
  },
);

inWorld(
  'the beginning of a long log comes when one scrolls up to it',
  { hash: '#/ml/runs/flights-40?step=ingest' },
  async (page) => {
    const { logs } = gateway.namespaces.get('ml')!.runs.get('flights-40')!;
    logs.set(
      'ingest',
      Array.from({ length: 40_000 }, (_, n) => `line ${n} of a long log`).join('\n'),
    );
    await page.getByRole('link', { name: 'Log', exact: true }).click();
    const log = page.getByRole('log', { name: 'Log of step ingest' });
    await log.getByText('line 39999 of a long log').waitFor();
    for (let n = 0; n < 12 && (await log.getByText('line 0 of a long log').count()) === 0; n += 1) {
      await log.evaluate((element) => (element.scrollTop = 0));
      await page.waitForTimeout(150);
    }
    await log.getByText('line 0 of a long log').waitFor();
  },
);

inWorld(
  'curves of a running step are drawn and said',
  { hash: '#/ml/runs/flights-42?step=train&tab=curves' },
  async (page) => {
    const chart = page.getByRole('img', {
      name: /^validation\/auc\. validation\/auc: 0\.\d+ \(step 37\)/,
    });
    await chart.waitFor();
    assert.ok((await chart.locator('canvas').count()) === 1);
  },
);

inWorld(
  'a loop shows the log of an item, and curves of it',
  { hash: '#/ml/runs/flights-40?step=fold&tab=log' },
  async (page) => {
    await page.getByRole('log', { name: 'Log of step fold' }).getByText('round 400').waitFor();
    const asked = page.waitForRequest((r) => r.url().includes('/log?item=3'));
    await page.getByRole('spinbutton', { name: 'Item' }).fill('3');
    await page.keyboard.press('Tab');
    await asked;
    await page.getByRole('link', { name: 'Curves', exact: true }).click();
    await page.getByRole('img', { name: /^validation\/auc\./ }).waitFor();
  },
);

inWorld(
  'of a step that had no pod the page asks for no log, and says why',
  { hash: '#/ml/runs/flights-42?step=ingest&tab=log' },
  async (page) => {
    const panel = page.getByRole('complementary');
    await panel.getByText('Taken from the cache: made by run flights-41').waitFor();
    await page.goto(`${page.url().split('#')[0]}#/ml/runs/flights-42?step=evaluate&tab=curves`);
    await panel.getByText('This step has no pod.').waitFor();
  },
);

inWorld(
  'an attempt of before has its own log',
  { hash: '#/ml/runs/churn-18?step=train&tab=log' },
  async (page) => {
    const asked = page.waitForRequest((r) => r.url().includes('/log?attempt=1'));
    await page.getByRole('combobox', { name: 'Attempt' }).selectOption('1');
    await asked;
  },
);

inWorld(
  'a run that is not there says so',
  { hash: '#/ml/runs/nowhere', expected: /404/ },
  async (page) => {
    await page.getByRole('alert').filter({ hasText: 'there is no run nowhere in namespace ml' }).waitFor();
  },
);

inWorld(
  "a run is asked for once, before the page's script is there",
  { hash: '#/ml/runs/flights-41' },
  async (page) => {
    const asked: string[] = [];
    page.on('request', (request) => {
      // With a tag it is asked whether it has changed.
      if (!request.url().endsWith('/namespaces/ml/runs/flights-41')) return;
      if (!('if-none-match' in request.headers())) asked.push(request.url());
    });
    let before = 0;
    await page.route(/\/assets\/page-\w+\.js$/, async (route) => {
      await until('the run was asked for', () => asked.length > 0);
      before = asked.length;
      await route.continue();
    });
    await page.reload();
    await page.locator('.run-head').waitFor();
    assert.deepEqual([before, asked.length], [1, 1]);
  },
);
