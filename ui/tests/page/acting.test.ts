import assert from 'node:assert/strict';

import { gateway, hashOf, inWorld, setUp, until } from './harness';

setUp();

const lastAct = () => gateway.acts.at(-1);

inWorld(
  'a run is started by a form of the parameters and their types',
  { hash: '#/ml/pipelines/flights' },
  async (page) => {
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    const dialog = page.getByRole('dialog', { name: 'Run flights' });
    const start = dialog.getByRole('button', { name: 'Start' });
    assert.equal(await start.getAttribute('aria-disabled'), 'true');
    await dialog.getByLabel('label string').fill('late');
    await dialog.getByLabel('rounds integer').fill('12.5');
    await dialog.getByText('rounds must be a whole number').waitFor();
    await dialog.getByLabel('rounds integer').fill('300');
    await dialog.getByLabel('balanced boolean').selectOption('true');
    await dialog.getByLabel('regions list').fill('{"a": 1}');
    await dialog.getByText('regions must be JSON of type list').waitFor();
    await dialog.getByLabel('regions list').fill('["north sea"]');
    await dialog
      .getByText(
        `penstock run flights -p rounds=300 -p balanced=true -p 'regions=["north sea"]' -p label=late -n ml`,
      )
      .waitFor();
    await start.click();
    await until('the new run', async () => /runs\/flights-new-/.test(await hashOf(page)));
    assert.deepEqual(lastAct(), {
      path: 'runs',
      body: {
        pipeline: 'flights',
        parameters: { rounds: 300, balanced: true, regions: ['north sea'], label: 'late' },
      },
    });
  },
);

inWorld(
  'what the gateway refuses is said beside the form, with its field',
  { hash: '#/ml/pipelines/flights', expected: /400/ },
  async (page) => {
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('label string').fill('refused');
    await dialog.getByRole('button', { name: 'Start' }).click();
    const alert = dialog.getByRole('alert');
    await alert.filter({ hasText: 'no column is named refused' }).waitFor();
    assert.match(await alert.innerText(), /parameters\.label/);
  },
);

inWorld(
  'a run is run again with a changed parameter',
  { hash: '#/ml/runs/flights-40' },
  async (page) => {
    await page.getByRole('button', { name: 'Rerun' }).click();
    const dialog = page.getByRole('dialog', { name: 'Rerun' });
    await dialog.getByRole('button', { name: 'Change parameters' }).click();
    await dialog.getByLabel('learner string').selectOption('mlp');
    await dialog.getByRole('button', { name: 'Rerun' }).click();
    await until('the new run', async () => /runs\/flights-new-/.test(await hashOf(page)));
    assert.deepEqual(lastAct(), {
      path: 'runs/flights-40/rerun',
      body: { parameters: { learner: 'mlp' } },
    });
  },
);

inWorld(
  'of a run that failed what failed runs again, unless something else is chosen',
  { hash: '#/ml/runs/flights-31' },
  async (page) => {
    await page.getByRole('button', { name: 'Rerun', exact: true }).click();
    const dialog = page.getByRole('dialog', { name: 'Rerun' });
    const what = dialog.getByLabel('Runs again');
    assert.equal(await what.locator('option:checked').innerText(), 'What failed');
    await dialog.getByText('penstock rerun flights-31 -n ml').waitFor();
    await what.selectOption({ label: 'From train on' });
    await dialog.getByText('penstock rerun flights-31 --from train -n ml').waitFor();
    await what.selectOption({ label: 'The pipeline as it is now' });
    await dialog.getByText(/penstock run flights -p /).waitFor();
    await what.selectOption({ label: 'What failed' });
    await dialog.getByRole('button', { name: 'Rerun' }).click();
    await until('the new run', async () => /runs\/flights-new-/.test(await hashOf(page)));
    assert.deepEqual(lastAct(), {
      path: 'runs/flights-31/rerun',
      body: { parameters: {}, from: [] },
    });
  },
);

inWorld(
  'a step of a run that has ended is where another one begins',
  { hash: '#/ml/runs/flights-40?step=evaluate' },
  async (page) => {
    await page.getByRole('button', { name: 'Rerun from here' }).click();
    const dialog = page.getByRole('dialog', { name: 'Rerun' });
    await dialog.getByText('penstock rerun flights-40 --from evaluate -n ml').waitFor();
    await dialog.getByRole('button', { name: 'Change parameters' }).click();
    await dialog.getByLabel('rounds integer').fill('250');
    await dialog
      .getByText('penstock rerun flights-40 --from evaluate -p rounds=250 -n ml')
      .waitFor();
    await dialog.getByRole('button', { name: 'Rerun' }).click();
    await until('the new run', async () => /runs\/flights-new-/.test(await hashOf(page)));
    assert.deepEqual(lastAct()?.body, { parameters: { rounds: 250 }, from: ['evaluate'] });
  },
);

inWorld(
  'a run that goes on is not done again from a step',
  { hash: '#/ml/runs/flights-41?step=go' },
  async (page) => {
    await page.getByRole('button', { name: 'Approve' }).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Rerun from here' }).count(), 0);
    await page.getByRole('button', { name: 'Rerun', exact: true }).click();
    const options = page.getByRole('dialog').getByLabel('Runs again').getByRole('option');
    assert.deepEqual(await options.allInnerTexts(), ['The pipeline as it is now']);
  },
);

inWorld(
  'a running run is cancelled, after it is asked',
  { hash: '#/ml/runs/flights-42' },
  async (page) => {
    await page.getByRole('button', { name: 'Cancel run' }).click();
    const dialog = page.getByRole('dialog', { name: 'Cancel run' });
    await dialog.getByText('penstock cancel flights-42 -n ml').waitFor();
    await dialog.getByRole('button', { name: 'Cancel run' }).click();
    await page.getByRole('link', { name: /^train .*Cancelled/ }).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Cancel run' }).count(), 0);
  },
);

inWorld(
  'an approval is given with the values that it asks for',
  { hash: '#/ml/runs/flights-41?step=go' },
  async (page) => {
    await page.getByRole('button', { name: 'Approve' }).click();
    const dialog = page.getByRole('dialog', { name: 'Decide step go' });
    await dialog.getByLabel('environment string').selectOption('staging');
    await dialog.getByLabel('share integer').fill('10');
    await dialog.getByLabel('Comment').fill('after the review');
    await dialog
      .getByText(
        "penstock approve flights-41 go --value environment=staging --value share=10 --comment 'after the review' -n ml",
      )
      .waitFor();
    await dialog.getByRole('button', { name: 'Approve' }).click();
    await page.getByRole('link', { name: /^go.*, Succeeded/ }).waitFor();
    assert.deepEqual(lastAct()?.body, {
      step: 'go',
      approved: true,
      comment: 'after the review',
      values: { environment: 'staging', share: 10 },
    });
  },
);

inWorld(
  'a rollout that waits for people is decided, with a comment',
  { hash: '#/ml/models/flights' },
  async (page) => {
    await page.getByRole('button', { name: 'Approve' }).click();
    const dialog = page.getByRole('dialog', { name: 'Decide step 2' });
    await dialog.getByText('Compare the complaints of the week').waitFor();
    await dialog.getByText('penstock rollout approve flights -n ml').waitFor();
    await dialog.getByLabel('Reject').check();
    await dialog.getByLabel('Comment').fill('not on a Friday');
    await dialog
      .getByText("penstock rollout reject flights --comment 'not on a Friday' -n ml")
      .waitFor();
    await dialog.getByRole('button', { name: 'Reject' }).click();
    await until('the decision', () => lastAct()?.path === 'models/flights/approve');
    // Of the version and step that were looked at, whatever has come in since.
    assert.deepEqual(lastAct()?.body, {
      approved: false,
      comment: 'not on a Friday',
      version: 8,
      step: 2,
    });
    await until(
      'no more to decide',
      async () => (await page.getByRole('button', { name: 'Approve' }).count()) === 0,
    );
  },
);

inWorld('a version is promoted from its rollout', { hash: '#/ml/models/flights' }, async (page) => {
  await page.getByRole('button', { name: 'Promote' }).click();
  const dialog = page.getByRole('dialog', { name: 'Promote' });
  await dialog.getByText('penstock rollout promote flights -n ml').waitFor();
  await dialog.getByRole('button', { name: 'Promote' }).click();
  await page.getByText('Promoting').waitFor();
  assert.equal(lastAct()?.path, 'models/flights/promote');
});

inWorld(
  'a span of days becomes the command line of a backfill',
  { hash: '#/ml/pipelines/flights' },
  async (page) => {
    const days = page.getByRole('table', { name: 'Backfill' }).getByRole('button');
    const name = async (n: number) =>
      ((await days.nth(n).getAttribute('aria-label')) ?? '').slice(0, 10);
    await days.nth(3).click();
    await days.nth(9).click();
    await page
      .getByText(
        `penstock backfill flights --from ${await name(3)} --to ${await name(9)} --every 24h -n ml`,
      )
      .waitFor();
    assert.equal(await days.and(page.locator('[aria-pressed=true]')).count(), 7);
  },
);

inWorld(
  'who may not start runs sees why, and cannot',
  { hash: '#/ml/pipelines/flights' },
  async (page) => {
    gateway.may = { ml: ['list', 'get', 'approve'] };
    await page.reload();
    const run = page.getByRole('button', { name: 'Run', exact: true });
    await until('the refusal', async () => (await run.getAttribute('aria-disabled')) === 'true');
    assert.match((await run.getAttribute('title')) ?? '', /You may not do this in namespace ml/);
    await run.click({ force: true });
    assert.equal(await page.getByRole('dialog').count(), 0);
    await page.goto(`${page.url().split('#')[0]}#/ml/runs/churn-18`);
    await page.getByRole('heading', { name: /churn-18/ }).waitFor();
    const rerun = page.getByRole('button', { name: 'Rerun' });
    assert.equal(await rerun.getAttribute('aria-disabled'), 'true');
    gateway.may = undefined;
  },
);

inWorld(
  'who may decide, and no more, is not kept from it',
  { hash: '#/ml/runs/flights-31?step=go' },
  async (page) => {
    const { runs } = gateway.namespaces.get('ml')!;
    const go = runs.get('flights-31')!.steps.get('go')!;
    const before = { ...go };
    Object.assign(go, { phase: 'Running', reason: 'AwaitingApproval', message: 'Ship it?' });
    gateway.may = { ml: ['list', 'get', 'approve'] };
    await page.reload();
    const approve = page.getByRole('button', { name: 'Approve' });
    await approve.waitFor();
    assert.equal(await approve.getAttribute('aria-disabled'), 'false');
    Object.assign(go, before);
    gateway.may = undefined;
  },
);

inWorld(
  'what runs on this machine is started in a terminal, and cancelled from here',
  { hash: '#/ml/pipelines/churn' },
  async (page) => {
    gateway.mode = 'local';
    await page.reload();
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    const dialog = page.getByRole('dialog', { name: 'Run churn' });
    await dialog.getByText('penstock run churn.yaml --state /tmp/state').waitFor();
    assert.equal(await dialog.getByRole('button', { name: 'Start' }).count(), 0);
    assert.equal(await page.getByRole('table', { name: 'Backfill' }).count(), 0);
    gateway.mode = 'cluster';
  },
);
