import assert from 'node:assert/strict';

import { digest } from '../standin/world';
import type { Comparison, SchemaColumn } from '../../src/api/types';
import { appear, assertInView, lateBox, noObserver } from './graph_box';
import { answerWith, hashOf, inWorld, setUp, until } from './harness';

setUp();

const DATASET = digest(78);
const REPORT = digest(77);
const STATISTICS = digest(76);
const MODEL = digest(79);

inWorld(
  'the grid has a cell for each step of each run, that leads to it',
  { hash: '#/ml/grid?pipeline=flights' },
  async (page) => {
    const grid = page.getByRole('table', { name: 'Runs by steps' });
    await grid.getByRole('link', { name: 'flights-31, validate: Failed' }).click();
    await page.getByRole('complementary', { name: 'Step validate' }).waitFor();
    assert.match(await hashOf(page), /runs\/flights-31\?step=validate/);
  },
);

inWorld(
  'the grid is walked with the arrow keys',
  { hash: '#/ml/grid?pipeline=flights' },
  async (page) => {
    const cell = page.getByRole('link', { name: 'flights-42, ingest: Succeeded' });
    await cell.focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowLeft');
    const said = () => page.evaluate(() => document.activeElement?.getAttribute('aria-label'));
    await until('the cell', async () => (await said()) === 'flights-41, features: Succeeded');
  },
);

inWorld(
  'runs are compared: what differs, and by how much',
  { hash: '#/ml/compare?runs=flights-40,flights-37' },
  async (page) => {
    const row = (name: RegExp) => page.getByRole('row', { name });
    await row(/^rounds 200 300/).waitFor();
    assert.equal(await row(/^learner/).count(), 0);
    await page.getByRole('checkbox', { name: 'Differences only' }).uncheck();
    await row(/^learner boosting boosting/).waitFor();
    await row(/evaluate auc 0\.9134 0\.9175/).waitFor();
    await page.getByText('penstock diff flights-40 flights-37 -n ml').waitFor();
  },
);

inWorld(
  'runs that are equal are said to be',
  { hash: '#/ml/compare?runs=flights-40,flights-37' },
  async (page) => {
    await answerWith<Comparison>(page, '**/compare?*', (body) => {
      for (const row of [...body.parameters, ...body.metrics, ...body.inputs]) row.differs = false;
    });
    await page.reload();
    const said = page.getByText('Nothing differs: parameters, metrics and data read are the same.');
    await said.waitFor();
    await page.getByRole('checkbox', { name: 'Differences only' }).uncheck();
    await page.getByRole('row', { name: /^learner boosting/ }).waitFor();
    assert.equal(await said.count(), 0);
  },
);

inWorld(
  'curves of compared runs share a chart',
  { hash: '#/ml/compare?runs=flights-40,flights-37&view=curves' },
  async (page) => {
    await page.getByRole('img', { name: /train · loss\. flights-40: .*flights-37: / }).waitFor();
  },
);

inWorld(
  'lineage goes from the files to the served version, both ways',
  { hash: '#/ml/lineage?model=flights' },
  async (page) => {
    const graph = page.getByRole('group', { name: /Graph of/ });
    await graph.getByRole('link', { name: 'flights v8 deployment' }).waitFor();
    await graph.getByRole('link', { name: 's3://flights/2026/01.parquet file' }).waitFor();
    await page.getByRole('searchbox').fill(DATASET);
    await page.keyboard.press('Enter');
    await page.getByRole('combobox', { name: 'Direction' }).selectOption('down');
    await until(
      'the files to go',
      async () => (await graph.getByRole('link', { name: /parquet/ }).count()) === 0,
    );
    await graph.getByRole('link', { name: 'flights v8 deployment' }).waitFor();
    await page.getByText(`penstock lineage ${DATASET} --direction down -n ml`).waitFor();
    await page.getByRole('combobox', { name: 'Direction' }).selectOption('both');
    await page.getByText(`penstock lineage ${DATASET} --direction both -n ml`).waitFor();
  },
);

for (const [what, script] of [
  ['before any observer of sizes was told', noObserver],
  ['when its box is shown later than it is drawn', lateBox],
] as const) {
  inWorld(
    `a lineage is fitted with what was asked in view ${what}`,
    { hash: `#/ml/lineage?artifact=${MODEL}&direction=up` },
    async (page) => {
      await page.addInitScript(script);
      await page.reload();
      await appear(page, /Graph of/);
      await assertInView(page, page.locator('.node.selected'));
      await assertInView(page, page.getByRole('link', { name: /^ingest/ }));
    },
  );
}

inWorld(
  'a model shows its gates with interval and verdict, and why one was rolled back',
  { hash: '#/ml/models/flights' },
  async (page) => {
    await page.getByRole('img', { name: 'Traffic: v7 80%, v8 20%' }).waitFor();
    const gate = page.getByRole('row', { name: /latencyP95/ });
    assert.match(await gate.innerText(), /Inconclusive[^]*86ms – 127ms[^]*at most 0\.12s[^]*911/);
    await page.getByText('errorRate 4.1% (surely between 3.2% and 5.2%) is beyond 1%').waitFor();
    await page.getByText('Evidence').click();
    await page.getByRole('row', { name: /errorRate.*2,204/ }).waitFor();
  },
);

inWorld(
  'data shows its schema, its statistics and some of its rows',
  { hash: `#/ml/artifacts/${STATISTICS}` },
  async (page) => {
    const columns = page.getByRole('region', { name: 'Columns' });
    await columns
      .getByRole('row', { name: /dep_delay double 2\.5% 527 12\.64/ })
      .waitFor();
    await columns.getByRole('row', { name: /carrier string.*UA 17\.4%/ }).waitFor();
    assert.equal(
      await page.getByRole('region', { name: 'Sample rows' }).getByRole('row').count(),
      21,
    );
    await page.goto(`${page.url().split('#')[0]}#/ml/artifacts/${DATASET}`);
    await columns.getByRole('row', { name: /dep_delay double\? feature/ }).waitFor();
    await columns.getByRole('row', { name: /carrier string feature AA, UA, DL, WN/ }).waitFor();
    await page.getByRole('link', { name: 'flights-41 / features / dataset' }).waitFor();
    const rows = page.getByRole('region', { name: 'Sample rows' }).getByRole('row');
    assert.equal(await rows.count(), 21);
    const [, first, second] = await rows.allInnerTexts();
    // Somebody's tag is text, what turns the line round is named, and what is not whole says so.
    assert.match(first!, /^8\t<b>UA<\/b> \\u\{202e\}so long .*… \(30,412\)\tORD\t5\tnull\t/);
    assert.match(first!, /\["\\u\{202e\}",1\]\ttrue$/);
    assert.match(second!, /^16,008\t/);
  },
);

inWorld(
  'a schema of names and types alone is a table of these',
  { hash: `#/ml/artifacts/${DATASET}` },
  async (page) => {
    const columns = page.getByRole('region', { name: 'Columns' });
    const heads = () => columns.getByRole('columnheader').allInnerTexts();
    await columns.getByTitle('may be null').first().waitFor();
    assert.deepEqual(await heads(), ['Name', 'Type', 'Role', 'Distribution']);
    await answerWith<{ schema: { columns: SchemaColumn[] } }>(page, '**/artifacts/*', (body) => {
      body.schema.columns = body.schema.columns.map(({ name, type }) => ({ name, type }));
    });
    await page.reload();
    await columns.getByRole('row', { name: 'dep_delay double', exact: true }).waitFor();
    assert.deepEqual(await heads(), ['Name', 'Type']);
  },
);

inWorld(
  'a report is shown in a frame that can run, load and reach nothing',
  {
    hash: `#/ml/artifacts/${REPORT}`,
    expected: /sandboxed|Content Security Policy|content security policy/i,
  },
  async (page) => {
    await page.evaluate(() => {
      window.addEventListener('message', (e) => (document.body.dataset.message = String(e.data)));
    });
    const frame = page.frameLocator('iframe[title^="Report"]');
    await frame.getByRole('heading', { name: 'Evaluation of flights' }).waitFor();
    assert.equal(await page.locator('iframe').getAttribute('sandbox'), '');
    await page.waitForTimeout(300);
    assert.equal(await page.evaluate(() => document.body.dataset.message), undefined);
    assert.doesNotMatch(await page.title(), /escaped/);
  },
);

inWorld(
  'reports of compared runs stand side by side',
  {
    hash: '#/ml/compare?runs=flights-40,flights-37&view=reports',
    expected: /sandboxed|Content Security Policy/i,
  },
  async (page) => {
    await until('two frames', async () => (await page.locator('iframe').count()) === 2);
  },
);

inWorld('an address that leads nowhere says so', { hash: '#/ml/nonsense' }, async (page) => {
  await page.getByText('There is no such page.').waitFor();
});
