// What holds over any gateway: the stand-in's, or the one that PENSTOCK_PAGE_URL names (`penstock ui`
// prints such an address). It looks for what is there, and says when there was nothing.
import assert from 'node:assert/strict';

import type { Page } from 'playwright-core';

import type { List, Me, Model, Pipeline, Run, RunRow } from '../../src/api/types';
import { anywhere, base, setUp, until } from './harness';

setUp();

const api = <T>(page: Page, path: string) =>
  page.evaluate(
    async (url) => (await fetch(`/api/v1/${url}`)).json() as Promise<unknown>,
    path,
  ) as Promise<T>;

async function visit(page: Page, parts: string[], query = '') {
  const origin = new URL(base).origin;
  await page.goto(`${origin}/#/${parts.map(encodeURIComponent).join('/')}${query}`);
  await page.locator('main h1:visible, main h2:visible').first().waitFor();
  await until(
    'what it shows',
    async () => (await page.getByText('Loading', { exact: true }).count()) === 0,
  );
  assert.equal(await page.getByRole('alert').count(), 0, parts.join('/'));
}

async function namespaceOf(page: Page): Promise<string> {
  const me = await api<Me>(page, 'me');
  assert.ok(me.namespaces.length > 0, 'the gateway shows no namespace');
  return me.namespaces[0]!;
}

anywhere('the runs are listed with their phases', { hash: '' }, async (page) => {
  const namespace = await namespaceOf(page);
  const { items } = await api<List<RunRow>>(page, `namespaces/${namespace}/runs?limit=5`);
  await visit(page, [namespace, 'runs']);
  for (const run of items) {
    const row = page
      .getByRole('row')
      .filter({ has: page.getByRole('link', { name: run.name, exact: true }) });
    await row.getByText(run.phase, { exact: true }).waitFor();
  }
  console.log(`${items.length} runs looked at`);
});

anywhere(
  'each view of a run is drawn, and each of its steps has a panel with a log',
  { hash: '' },
  async (page) => {
    const namespace = await namespaceOf(page);
    const { items } = await api<List<RunRow>>(page, `namespaces/${namespace}/runs?limit=3`);
    for (const { name } of items) {
      const run = await api<Run & { steps: { name: string }[] }>(
        page,
        `namespaces/${namespace}/runs/${encodeURIComponent(name)}`,
      );
      for (const view of ['graph', 'steps', 'timeline', 'details']) {
        await visit(page, [namespace, 'runs', name], `?view=${view}`);
      }
      for (const step of run.steps.slice(0, 4)) {
        for (const tab of ['why', 'log', 'data', 'curves', 'events']) {
          await visit(
            page,
            [namespace, 'runs', name],
            `?step=${encodeURIComponent(step.name)}&tab=${tab}`,
          );
        }
      }
    }
    console.log(`${items.length} runs opened`);
  },
);

anywhere(
  'grid, pipelines, models, lineage and comparison are drawn',
  { hash: '' },
  async (page) => {
    const namespace = await namespaceOf(page);
    for (const view of ['grid', 'pipelines', 'models', 'lineage'])
      await visit(page, [namespace, view]);
    const pipelines = await api<List<Pipeline>>(page, `namespaces/${namespace}/pipelines`);
    for (const { name } of pipelines.items.slice(0, 3))
      await visit(page, [namespace, 'pipelines', name]);
    const models = await api<List<Model>>(page, `namespaces/${namespace}/models`);
    for (const { name } of models.items.slice(0, 3)) await visit(page, [namespace, 'models', name]);
    const runs = await api<List<RunRow>>(page, `namespaces/${namespace}/runs?limit=2`);
    const names = runs.items.map((run) => encodeURIComponent(run.name)).join('%2C');
    if (runs.items.length === 2) await visit(page, [namespace, 'compare'], `?runs=${names}`);
    console.log(
      `${pipelines.items.length} pipelines, ${models.items.length} models, ${runs.items.length} runs compared`,
    );
  },
);

anywhere(
  'the data that a run made is shown',
  { hash: '', expected: /404|sandboxed|Content Security Policy/ },
  async (page) => {
    const namespace = await namespaceOf(page);
    const { items } = await api<List<RunRow>>(
      page,
      `namespaces/${namespace}/runs?phase=Succeeded&limit=1`,
    );
    const digests = new Set<string>();
    for (const { name } of items) {
      const path = `namespaces/${namespace}/runs/${encodeURIComponent(name)}`;
      const run = await api<{ steps: { name: string }[] }>(page, path);
      for (const step of run.steps) {
        const { outputs } = await api<{ outputs?: { digest?: string }[] }>(
          page,
          `${path}/steps/${encodeURIComponent(step.name)}`,
        );
        for (const use of outputs ?? []) if (use.digest) digests.add(use.digest);
      }
    }
    let shown = 0;
    for (const digest of digests) {
      const found = await page.evaluate(
        async (url) => (await fetch(url)).ok,
        `/api/v1/namespaces/${namespace}/artifacts/${digest}`,
      );
      if (!found || shown >= 6) continue;
      shown += 1;
      await visit(page, [namespace, 'artifacts', digest]);
      await page.getByText(digest).waitFor();
    }
    console.log(`${shown} artifacts shown`);
  },
);
