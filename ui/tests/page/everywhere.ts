// What holds over any gateway: it looks for what is there, and says when there was nothing.
import assert from 'node:assert/strict';

import type { Page } from 'playwright-core';

import type { Run } from '../../src/api/gateway';
import type { List, Me, ModelRow, PipelineRow, RunRow, Step } from '../../src/api/types';
import { wrongOf } from '../standin/schema';
import { anywhere, base, until } from './harness';

// An answer of the API, which is as its schema says.
export async function api<T>(page: Page, schema: string, path: string): Promise<T> {
  const answer = await page.evaluate(async (url: string) => {
    const token = sessionStorage.getItem('penstock.token');
    const headers = token ? { Authorization: `Bearer ${token}` } : undefined;
    return (await (await fetch(`/api/v1/${url}`, { headers })).json()) as unknown;
  }, path);
  assert.equal(wrongOf(schema, answer), undefined, path);
  return answer as T;
}

export async function visit(page: Page, parts: string[], query = '') {
  const where = `/#/${parts.map(encodeURIComponent).join('/')}${query}`;
  await page.goto(base + where);
  await page.locator('main h1:visible, main h2:visible').first().waitFor();
  await until(
    `what ${where} shows`,
    async () => (await page.getByText('Loading', { exact: true }).count()) === 0,
  );
  const alerts = await page.getByRole('alert').allInnerTexts();
  assert.deepEqual(alerts, [], where);
}

export async function namespaceOf(page: Page): Promise<string> {
  const me = await api<Me>(page, 'Me', 'me');
  assert.ok(me.namespaces.length > 0, 'the gateway shows no namespace');
  return me.namespaces[0]!;
}

const runOf = (page: Page, namespace: string, name: string) =>
  api<Run>(page, 'Run', `namespaces/${namespace}/runs/${encodeURIComponent(name)}`);

async function listsRuns(page: Page) {
  const namespace = await namespaceOf(page);
  const { items } = await api<List<RunRow>>(page, 'RunList', `namespaces/${namespace}/runs?limit=5`);
  await visit(page, [namespace, 'runs']);
  for (const run of items) {
    const row = page
      .getByRole('row')
      .filter({ has: page.getByRole('link', { name: run.name, exact: true }) });
    // A reason may be the same word.
    await row.getByText(run.phase, { exact: true }).first().waitFor();
  }
  console.log(`${items.length} runs looked at`);
}

async function drawsRuns(page: Page) {
  const namespace = await namespaceOf(page);
  const { items } = await api<List<RunRow>>(page, 'RunList', `namespaces/${namespace}/runs?limit=3`);
  let panels = 0;
  for (const { name } of items) {
    const run = await runOf(page, namespace, name);
    for (const view of ['graph', 'steps', 'timeline', 'details'])
      await visit(page, [namespace, 'runs', name], `?view=${view}`);
    for (const step of run.steps.slice(0, 20)) {
      const path = `namespaces/${namespace}/runs/${encodeURIComponent(name)}/steps/${encodeURIComponent(step.name)}`;
      await api<Step>(page, 'Step', path);
      for (const tab of ['why', 'log', 'data', 'curves', 'events']) {
        const query = `?step=${encodeURIComponent(step.name)}&tab=${tab}`;
        await visit(page, [namespace, 'runs', name], query);
        panels += 1;
      }
    }
  }
  console.log(`${items.length} runs opened, with ${panels} panels of steps`);
}

async function drawsTheOthers(page: Page) {
  const namespace = await namespaceOf(page);
  for (const view of ['grid', 'pipelines', 'models', 'lineage']) await visit(page, [namespace, view]);
  const pipelines = await api<List<PipelineRow>>(page, 'PipelineList', `namespaces/${namespace}/pipelines`);
  for (const { name } of pipelines.items.slice(0, 3)) {
    const path = encodeURIComponent(name);
    await api(page, 'Pipeline', `namespaces/${namespace}/pipelines/${path}`);
    await api(page, 'Grid', `namespaces/${namespace}/grid?pipeline=${path}`);
    await visit(page, [namespace, 'pipelines', name]);
    await visit(page, [namespace, 'grid'], `?pipeline=${encodeURIComponent(name)}`);
  }
  const models = await api<List<ModelRow>>(page, 'ModelList', `namespaces/${namespace}/models`);
  for (const { name } of models.items.slice(0, 3)) await visit(page, [namespace, 'models', name]);
  const runs = await api<List<RunRow>>(page, 'RunList', `namespaces/${namespace}/runs?limit=2`);
  const names = runs.items.map((run) => encodeURIComponent(run.name)).join('%2C');
  if (runs.items.length === 2) {
    const asked = runs.items.map((run) => `runs=${encodeURIComponent(run.name)}`).join('&');
    await api(page, 'Comparison', `namespaces/${namespace}/compare?${asked}`);
    for (const view of ['values', 'curves', 'reports'])
      await visit(page, [namespace, 'compare'], `?runs=${names}&view=${view}`);
  }
  console.log(
    `${pipelines.items.length} pipelines, ${models.items.length} models, ${runs.items.length} runs compared`,
  );
}

async function showsData(page: Page) {
  const namespace = await namespaceOf(page);
  const { items } = await api<List<RunRow>>(
    page,
    'RunList',
    `namespaces/${namespace}/runs?phase=Succeeded&limit=10`,
  );
  const digests = new Set<string>();
  for (const { name } of items) {
    const run = await runOf(page, namespace, name);
    for (const step of run.steps) {
      const path = `namespaces/${namespace}/runs/${encodeURIComponent(name)}/steps/${encodeURIComponent(step.name)}`;
      const { outputs } = await api<Step>(page, 'Step', path);
      for (const use of outputs) if (use.digest) digests.add(use.digest);
    }
  }
  let shown = 0;
  for (const digest of digests) {
    const found = await page.evaluate(
      async (url) => {
        const token = sessionStorage.getItem('penstock.token');
        return (await fetch(url, { headers: token ? { Authorization: `Bearer ${token}` } : {} })).ok;
      },
      `/api/v1/namespaces/${namespace}/artifacts/${digest}`,
    );
    if (!found || shown >= 8) continue;
    shown += 1;
    await api(page, 'Artifact', `namespaces/${namespace}/artifacts/${digest}`);
    await api(page, 'Lineage', `namespaces/${namespace}/lineage?direction=both&artifact=${digest}`);
    await visit(page, [namespace, 'artifacts', digest]);
    await page.getByText(digest).waitFor();
    await visit(page, [namespace, 'lineage'], `?artifact=${encodeURIComponent(digest)}`);
  }
  console.log(`${shown} artifacts shown`);
}

// What a report may not do, a browser says in its console.
export const SANDBOXED = /sandboxed|Content Security Policy/i;

// Of a pod that ended before anybody read what it wrote: the page shows what the gateway says.
const LOG_IS_GONE = /404 .*\/steps\/[^/]+\/log\?/;

// Of a step from the cache whose maker was deleted: it has no curves.
const MAKER_IS_GONE = /404 .*\/steps\/[^/]+\/metrics$/;

export function lookAtEverything() {
  anywhere('the runs are listed with their phases', { hash: '' }, listsRuns);
  anywhere(
    'each view of a run is drawn, and each tab of its steps',
    { hash: '', expected: LOG_IS_GONE },
    drawsRuns,
  );
  anywhere(
    'grid, pipelines, models, lineage and comparison are drawn',
    { hash: '', expected: new RegExp(`${SANDBOXED.source}|${MAKER_IS_GONE.source}`, 'i') },
    drawsTheOthers,
  );
  anywhere(
    'the data that a run made is shown, with where it comes from',
    { hash: '', expected: /404|sandboxed|Content Security Policy/i },
    showsData,
  );
}
