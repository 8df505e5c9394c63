// The page over a cluster's gateway, as an editor and as a viewer of one namespace in which
// tests/e2e/page_on_cluster.py has started run tour-1 of Pipeline tour (tests/local/tour.yaml) and
// is the one that calls this. What is done here is what people do: sign in, look, decide, run again,
// cancel.
import assert from 'node:assert/strict';

import type { Page } from 'playwright-core';

import type { List, RunRow, Step } from '../../src/api/types';
import { api, lookAtEverything, visit } from './everywhere';
import { anywhere, base, setUp, until } from './harness';

const NAMESPACE = process.env.PENSTOCK_PAGE_NAMESPACE ?? '';
const EDITOR = process.env.PENSTOCK_PAGE_TOKEN;
const VIEWER = process.env.PENSTOCK_PAGE_VIEWER;
const LONG = { timeout: 120_000 };

setUp(
  EDITOR && VIEWER && NAMESPACE
    ? undefined
    : { lacks: 'tests/e2e/page_on_cluster.py calls it, over a cluster', start: () => Promise.resolve('') },
);

const runs = (page: Page) =>
  api<List<RunRow>>(page, 'RunList', `namespaces/${NAMESPACE}/runs?pipeline=tour`);

const stepOf = (page: Page, run: string, step: string) =>
  api<Step>(page, 'Step', `namespaces/${NAMESPACE}/runs/${run}/steps/${step}`);

anywhere(
  'who is not known gives a token, and sees his namespace',
  { hash: `#/${NAMESPACE}/runs`, token: null, expected: /401/ },
  async (page) => {
    await page.getByLabel('Token').fill('made.up.token');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').first().waitFor();
    await page.getByLabel('Token').fill(EDITOR!);
    await page.getByRole('button', { name: 'Sign in' }).click();
    // The run that it starts names it too.
    await page.getByRole('link', { name: 'tour-1', exact: true }).first().waitFor();
  },
);

anywhere('a viewer sees what waits, and cannot decide it', { hash: '', token: VIEWER! }, async (page) => {
  await visit(page, [NAMESPACE, 'runs', 'tour-1'], '?step=go');
  const approve = page.getByRole('button', { name: 'Approve' });
  await approve.waitFor(LONG);
  assert.equal(await approve.getAttribute('aria-disabled'), 'true');
});

anywhere('an approval is given, and the run that waited ends', { hash: '' }, async (page) => {
  await visit(page, [NAMESPACE, 'runs', 'tour-1'], '?step=go');
  await page.getByRole('button', { name: 'Approve' }).click(LONG);
  const dialog = page.getByRole('dialog', { name: 'Decide step go' });
  await dialog.getByLabel('to string').selectOption('staging');
  await dialog.getByText(`penstock approve tour-1 go --value to=staging -n ${NAMESPACE}`).waitFor();
  await dialog.getByRole('button', { name: 'Approve' }).click();
  const head = page.locator('.run-head');
  await head.getByText('Succeeded', { exact: true }).first().waitFor(LONG);
});

anywhere('the log of a step is there after its pod', { hash: '' }, async (page) => {
  await visit(page, [NAMESPACE, 'runs', 'tour-1'], '?step=train&tab=log');
  await page.getByRole('log', { name: 'Log of step train' }).getByText('round 20').waitFor(LONG);
});

anywhere('what a step wrote of itself is a curve', { hash: '' }, async (page) => {
  await visit(page, [NAMESPACE, 'runs', 'tour-1'], '?step=train&tab=curves');
  await page.getByRole('img', { name: /^loss\. loss: 0\.98\d* \(step 20\)/ }).waitFor(LONG);
});

anywhere('a dataset shows rows of what a pod wrote', { hash: '' }, async (page) => {
  const { outputs } = await stepOf(page, 'tour-1', 'ingest');
  const { digest } = outputs.find((use) => use.name === 'dataset')!;
  await visit(page, [NAMESPACE, 'artifacts', digest!]);
  const rows = page.getByRole('region', { name: 'Sample rows' }).getByRole('row');
  assert.equal(await rows.count(), 51);
});

anywhere('a run is done again from a step, and the rest is taken', { hash: '' }, async (page) => {
  const before = (await runs(page)).items.length;
  await visit(page, [NAMESPACE, 'runs', 'tour-1'], '?step=verdict');
  await page.getByRole('button', { name: 'Rerun from here' }).click();
  const dialog = page.getByRole('dialog', { name: 'Rerun' });
  await dialog.getByText(`penstock rerun tour-1 --from verdict -n ${NAMESPACE}`).waitFor();
  await dialog.getByRole('button', { name: 'Rerun' }).click();
  await until('the new run', async () => (await runs(page)).items.length > before, 30);
  const { name } = (await runs(page)).items[0]!;
  await until('what is taken', async () => (await stepOf(page, name, 'train')).cachedFrom === 'tour-1', 60);
  await visit(page, [NAMESPACE, 'runs', name]);
  await page.getByRole('button', { name: 'Cancel run' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel run' }).click();
  await page.locator('.run-head').getByText('Cancelled', { exact: true }).first().waitFor(LONG);
});

lookAtEverything();

anywhere('nobody else is shown the namespace', { hash: '', token: null, expected: /401/ }, async (page) => {
  await page.goto(`${base}/#/${NAMESPACE}/runs`);
  await page.getByLabel('Token').waitFor();
  assert.equal(await page.getByText('tour-1').count(), 0);
});
