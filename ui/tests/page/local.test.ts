// The page over what runs left on this machine: real pipelines (tests/local/tour.yaml), `penstock ui`
// and a browser. PENSTOCK names the program; without it there is nothing to look at.
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after } from 'node:test';

import type { Page } from 'playwright-core';

import type { List, Metrics, RunRow, Step } from '../../src/api/types';
import { api, lookAtEverything, SANDBOXED, visit } from './everywhere';
import { anywhere, base, setUp, until } from './harness';

const PROGRAM = resolve(process.env.PENSTOCK ?? '../build/release/bin/penstock');
const folder = mkdtempSync(join(tmpdir(), 'penstock-page-'));
const state = join(folder, 'state');
const children: ChildProcess[] = [];

function parametersOf(scratch: string, more: Record<string, unknown>): string[] {
  mkdirSync(join(folder, scratch), { recursive: true });
  const all = { scratch: join(folder, scratch), ...more };
  return Object.entries(all).flatMap(([name, value]) => ['-p', `${name}=${String(value)}`]);
}

const tour = (scratch: string, more: Record<string, unknown>) => [
  ...['run', resolve('tests/local/tour.yaml'), '--pipeline', 'tour', '--state', state],
  ...['--isolation', 'process', '--approve', 'go=to=staging', '--approve', 'go=share=10'],
  ...parametersOf(scratch, more),
];

function run(outcome: number, scratch: string, more: Record<string, unknown> = {}) {
  const done = spawnSync(PROGRAM, tour(scratch, more), { encoding: 'utf8' });
  assert.equal(done.status, outcome, done.stdout + done.stderr);
}

async function start(): Promise<string> {
  run(0, 'first');
  run(0, 'second', { rounds: 30 });
  run(1, 'second', { broken: true });
  const ui = spawn(PROGRAM, ['ui', '--state', state, '--port', '0'], {
    env: { ...process.env, PENSTOCK_UI: resolve('dist') },
  });
  children.push(ui);
  let told = '';
  for (const out of [ui.stdout, ui.stderr]) out.on('data', (text: Buffer) => (told += String(text)));
  await until('the address', () => /http:\S+\?token=\S+/.test(told), 20);
  return /http:\S+/.exec(told)![0];
}

after(async () => {
  for (const child of children) child.kill('SIGINT');
  await Promise.all(
    children.map((child) => child.exitCode ?? new Promise((done) => child.once('exit', done))),
  );
  rmSync(folder, { recursive: true, force: true });
});

const lacks = existsSync(PROGRAM) ? undefined : `there is no ${PROGRAM}`;
setUp({ ...(lacks ? { lacks } : {}), start });
lookAtEverything();

// Newest first; those of `look` are within a tour.
const toursOf = async (page: Page) =>
  (await api<List<RunRow>>(page, 'RunList', 'namespaces/default/runs?pipeline=tour')).items;

// The first tour, in which nothing came from the cache.
const firstOf = async (page: Page) => (await toursOf(page)).at(-1)!.name;

async function digestOf(page: Page, run: string, step: string, name: string): Promise<string> {
  const path = `namespaces/default/runs/${run}/steps/${step}`;
  const { outputs } = await api<Step>(page, 'Step', path);
  return outputs.find((use) => use.name === name)!.digest!;
}

anywhere('a run that failed says which step, and why', { hash: '#/default/runs' }, async (page) => {
  const [failed] = await toursOf(page);
  const row = page.getByRole('row').filter({
    has: page.getByRole('link', { name: failed!.name, exact: true }),
  });
  await row.getByText('Failed', { exact: true }).waitFor();
  assert.match(await row.innerText(), /verdict/);
  await visit(page, ['default', 'runs', failed!.name], '?step=verdict');
  const panel = page.getByRole('complementary', { name: 'Step verdict' });
  await panel.getByText('ExitCode').first().waitFor();
  await panel.getByRole('link', { name: 'Log', exact: true }).click();
  await panel.getByText('broken: true').waitFor();
});

anywhere('each kind of step has its mark in the graph', { hash: '' }, async (page) => {
  await visit(page, ['default', 'runs', await firstOf(page)]);
  const graph = page.getByRole('group', { name: /Graph of 13 steps/ });
  for (const name of [
    /^train, Succeeded/,
    /^each Items 3\/3, Succeeded/,
    /^inner Pipeline, Succeeded/,
    /^go, Succeeded/,
    /^never .*Skipped/,
  ])
    await graph.getByRole('link', { name }).waitFor();
});

anywhere('a step that was tried twice has both logs', { hash: '' }, async (page) => {
  await visit(page, ['default', 'runs', await firstOf(page)], '?step=flaky&tab=log');
  const log = page.getByRole('log', { name: 'Log of step flaky' });
  await log.getByText('the second try').waitFor();
  await page.getByRole('combobox', { name: 'Attempt' }).selectOption('1');
  await log.getByText('the first try').waitFor();
});

anywhere('each item of a loop has its log', { hash: '' }, async (page) => {
  await visit(page, ['default', 'runs', await firstOf(page)], '?step=each&tab=log');
  const log = page.getByRole('log', { name: 'Log of step each' });
  await log.getByText('item one').waitFor();
  await page.getByRole('spinbutton', { name: 'Item' }).fill('2');
  await page.keyboard.press('Tab');
  await log.getByText('item three').waitFor();
});

anywhere('what a step wrote of itself is a curve', { hash: '' }, async (page) => {
  await visit(page, ['default', 'runs', await firstOf(page)], '?step=train&tab=curves');
  await page.getByRole('img', { name: /^loss\. loss: 0\.98\d* \(step 20\)/ }).waitFor();
  const path = `namespaces/default/runs/${await firstOf(page)}/steps/train/metrics`;
  const { progress } = await api<Metrics>(page, 'Series', path);
  assert.deepEqual(progress, { done: 20, total: 20 });
});

anywhere('a step that is a pipeline leads to its run, and back', { hash: '' }, async (page) => {
  const first = await firstOf(page);
  await visit(page, ['default', 'runs', first], '?step=inner');
  await page
    .getByRole('complementary')
    .getByRole('link', { name: /inner/ })
    .first()
    .click();
  await page.getByRole('link', { name: /^read, Succeeded/ }).waitFor();
  await page.getByRole('link', { name: 'Details', exact: true }).click();
  await page.getByRole('link', { name: first, exact: true }).click();
  await page.getByRole('link', { name: /^inner Pipeline/ }).waitFor();
});

anywhere('what was decided is the step’s result', { hash: '' }, async (page) => {
  await visit(page, ['default', 'runs', await firstOf(page)], '?step=go');
  const panel = page.getByRole('complementary', { name: 'Step go' });
  await panel.getByText('staging').waitFor();
  await panel.getByText('10', { exact: true }).waitFor();
});

anywhere('what came from the cache names the run that made it', { hash: '' }, async (page) => {
  const [, second, first] = await toursOf(page);
  await visit(page, ['default', 'runs', second!.name], '?step=statistics');
  await page
    .getByRole('link', { name: `Taken from the cache: made by run ${first!.name}` })
    .click();
  await page.getByRole('complementary', { name: 'Step statistics' }).waitFor();
});

anywhere('two runs are compared: parameters, results, curves', { hash: '' }, async (page) => {
  const [, second, first] = await toursOf(page);
  const runs = `?runs=${first!.name}%2C${second!.name}`;
  await visit(page, ['default', 'compare'], runs);
  await page.getByRole('row', { name: /^rounds 20 30/ }).waitFor();
  await page.getByRole('row', { name: /^train auc 0\.92 0\.93/ }).waitFor();
  await visit(page, ['default', 'compare'], `${runs}&view=curves`);
  await page.getByRole('img', { name: /train · loss\. tour-\S+: .*tour-\S+: / }).waitFor();
});

anywhere('the grid has every tour, and what failed is red', { hash: '' }, async (page) => {
  await visit(page, ['default', 'grid'], '?pipeline=tour');
  const [failed] = await toursOf(page);
  const grid = page.getByRole('table', { name: 'Runs by steps' });
  await grid.getByRole('link', { name: `${failed!.name}, verdict: Failed` }).waitFor();
  assert.equal(await grid.getByRole('link', { name: /, train: Succeeded/ }).count(), 3);
});

anywhere(
  'a dataset shows its columns, and its statistics what is in them',
  { hash: '' },
  async (page) => {
    const first = await firstOf(page);
    await visit(page, ['default', 'artifacts', await digestOf(page, first, 'ingest', 'dataset')]);
    const columns = page.getByRole('region', { name: 'Columns' });
    await columns.getByRole('row', { name: /^carrier string/ }).waitFor();
    await page.getByText('300', { exact: true }).waitFor();
    const rows = page.getByRole('region', { name: 'Sample rows' }).getByRole('row');
    assert.equal(await rows.count(), 51);
    assert.match((await rows.nth(1).innerText()) ?? '', /^\d+\s(AA|UA|B6)\s\d+\s-?\d+\s(true|false)$/);
    const statistics = await digestOf(page, first, 'statistics', 'statistics');
    await visit(page, ['default', 'artifacts', statistics]);
    await columns.getByRole('row', { name: /^delay int64.* 101 / }).waitFor();
    assert.ok((await columns.locator('rect').count()) > 5, 'histograms');
    const sample = page.getByRole('region', { name: 'Sample rows' });
    assert.equal(await sample.getByRole('row').count(), 21);
  },
);

anywhere(
  'a report is shown, and its script does nothing',
  { hash: '', expected: SANDBOXED },
  async (page) => {
    const digest = await digestOf(page, await firstOf(page), 'train', 'report');
    await visit(page, ['default', 'artifacts', digest]);
    const frame = page.frameLocator('iframe[title^="Report"]');
    await frame.getByRole('heading', { name: 'Report of the tour' }).waitFor();
    assert.doesNotMatch(await page.title(), /escaped/);
  },
);

anywhere('lineage leads from a report to the rows that it was made of', { hash: '' }, async (page) => {
  const digest = await digestOf(page, await firstOf(page), 'train', 'report');
  await visit(page, ['default', 'lineage'], `?artifact=${encodeURIComponent(digest)}&direction=up`);
  const graph = page.getByRole('group', { name: /Graph of/ });
  for (const step of ['train', 'ingest', 'rows'])
    await graph.getByRole('link', { name: new RegExp(`^${step} tour-\\S+ step`) }).waitFor();
  await page.getByText(`penstock lineage ${digest} --state ${state}`).waitFor();
});

anywhere(
  'a run that goes on is followed by the stream, its log grows, and it is cancelled from the page',
  { hash: '#/default/runs' },
  async (page) => {
    const before = (await toursOf(page)).length;
    const child = spawn(PROGRAM, tour('third', { slow: 120, rounds: 40 }));
    children.push(child);
    await until('the run', async () => (await toursOf(page)).length > before, 30);
    const name = (await toursOf(page))[0]!.name;
    await page.getByRole('link', { name, exact: true }).waitFor();
    await visit(page, ['default', 'runs', name]);
    await page.getByRole('link', { name: /^slow, Running/ }).waitFor({ timeout: 30_000 });
    await page.getByRole('link', { name: /^train, Succeeded/ }).waitFor({ timeout: 30_000 });
    await visit(page, ['default', 'runs', name], '?step=slow&tab=log');
    const log = page.getByRole('log', { name: 'Log of step slow' });
    await log.getByText('second 3').waitFor({ timeout: 20_000 });
    await log.getByText('second 6').waitFor({ timeout: 20_000 });
    await page.getByRole('button', { name: 'Cancel run' }).click();
    const dialog = page.getByRole('dialog', { name: 'Cancel run' });
    await dialog.getByText(`penstock cancel ${name} --state ${state}`).waitFor();
    await dialog.getByRole('button', { name: 'Cancel run' }).click();
    const head = page.locator('.run-head');
    await head.getByText('Cancelled', { exact: true }).first().waitFor({ timeout: 30_000 });
    await until('the program to end', () => child.exitCode !== null, 30);
  },
);

anywhere(
  'a browser that was not let in is told how it gets in',
  { hash: '', expected: /401/ },
  async (page) => {
    await page.context().clearCookies();
    await page.goto(`${base}/#/default/runs`);
    await page.reload();
    await page.getByText('open the address that `penstock ui` printed').first().waitFor();
  },
);
