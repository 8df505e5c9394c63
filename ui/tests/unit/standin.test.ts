// The stand-in answers as the gateway does: each of its answers is held to the API's own schemas.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { wrongOf } from '../standin/schema';
import type { StandIn } from '../standin/server';
import { standIn } from '../standin/standin';

let gateway: StandIn;
let base = '';
before(async () => {
  gateway = standIn('dist');
  base = `${await gateway.listen()}/api/v1`;
});
after(() => gateway.close());

const part = encodeURIComponent;

async function check(schema: string, path: string, init?: RequestInit, status = 200) {
  const response = await fetch(base + path, init);
  const body: unknown = await response.json();
  assert.equal(response.status, status, `${path}: ${JSON.stringify(body)}`);
  assert.equal(wrongOf(schema, body), undefined, path);
}

test('every answer of every namespace is as the schemas say', async () => {
  await check('Me', '/me');
  for (const [name, namespace] of gateway.namespaces) {
    const root = `/namespaces/${name}`;
    await check('RunList', `${root}/runs?limit=500`);
    await check('PipelineList', `${root}/pipelines`);
    await check('ModelList', `${root}/models`);
    for (const { name: of } of namespace.pipelines) {
      await check('Pipeline', `${root}/pipelines/${part(of)}`);
      await check('Grid', `${root}/grid?pipeline=${part(of)}`);
    }
    for (const { name: of } of namespace.models) await check('Model', `${root}/models/${part(of)}`);
    for (const digest of namespace.artifacts.keys())
      await check('Artifact', `${root}/artifacts/${part(digest)}`);
    for (const [of, run] of namespace.runs) {
      await check('Run', `${root}/runs/${part(of)}`);
      for (const step of [...run.steps.keys()].slice(0, 20)) {
        const path = `${root}/runs/${part(of)}/steps/${part(step)}`;
        await check('Step', path);
        const row = run.steps.get(step)!;
        if (row.attempts > 0) await check('Series', `${path}/metrics`);
      }
    }
  }
  await check('Comparison', '/namespaces/ml/compare?runs=flights-40&runs=flights-37');
  await check('Lineage', '/namespaces/ml/lineage?model=flights');
});

test('what is refused is refused in the form of the API', async () => {
  await check('Error', '/namespaces/ml/runs/nowhere', {}, 404);
  await check('Error', '/namespaces/other/runs', {}, 403);
  await check('Error', '/namespaces/ml/lineage', {}, 400);
  await check('Error', '/namespaces/ml/runs', { method: 'POST', body: '{}' }, 403);
});

test('what is done is answered as the schemas say', async () => {
  const post = (schema: string, path: string, body: object, status = 202) =>
    check(
      schema,
      `/namespaces/ml/${path}`,
      { method: 'POST', body: JSON.stringify(body), headers: { 'X-Penstock-Request': '1' } },
      status,
    );
  await post('RunRow', 'runs', { pipeline: 'flights' }, 201);
  await post('RunRow', 'runs/flights-40/rerun', {});
  await post('RunRow', 'runs/flights-40/rerun', { from: ['train'] });
  await post('Error', 'runs/flights-40/rerun', { from: ['nowhere'] }, 400);
  await post('Steered', 'models/flights/approve', { approved: false });
  await post('Error', 'models/flights/approve', { approved: true }, 409);
  await post('RunRow', 'runs/flights-41/approve', { step: 'go', approved: true });
  await post('RunRow', 'runs/flights-42/cancel', {});
  await post('Steered', 'models/flights/pause', {});
});
