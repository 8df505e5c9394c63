// Answers that are made of a run, as the contract has them.
import type { Comparison, Lineage, Value } from '../../src/api/types';
import { Refusal } from './refusal';
import type { Namespace, WholeRun } from './world';

export function runAnswer(run: WholeRun) {
  const { row, parameters, spec, nodes, edges, conditions } = run;
  return {
    ...row,
    parameters,
    spec,
    graph: { nodes, edges },
    steps: [...run.steps.values()],
    counts: row.steps,
    conditions,
    outputs: [],
    results: {},
    command: `penstock describe ${row.name} -n ${row.namespace}`,
  };
}

export function stepAnswer(run: WholeRun, name: string) {
  const none = { attempts: [], inputs: [], outputs: [], results: {}, events: [] };
  return { ...run.steps.get(name), ...none, ...run.details.get(name) };
}

const differs = (values: unknown[]) =>
  new Set(values.map((value) => JSON.stringify(value))).size > 1;

export function comparison(runs: WholeRun[]): Comparison {
  const names = [...new Set(runs.flatMap((run) => Object.keys(run.parameters)))];
  const parameters = names.map((name) => {
    const values = runs.map((run, n): Value =>
      name === 'rounds' ? 200 + 100 * n : run.parameters[name]!,
    );
    return { name, values, differs: differs(values) };
  });
  const metric = (step: string, name: string, values: Value[]) => ({
    step,
    name,
    values,
    differs: differs(values),
  });
  return {
    runs: runs.map((run) => run.row),
    parameters,
    metrics: [
      metric(
        'evaluate',
        'auc',
        runs.map((_, n) => 0.9134 + 0.0041 * n),
      ),
      metric(
        'evaluate',
        'logLoss',
        runs.map((_, n) => 0.2871 - 0.006 * n),
      ),
      metric(
        'train',
        'validation/auc',
        runs.map((_, n) => 0.921 + 0.002 * n),
      ),
    ],
    inputs: ['features', 'train'].map((step) => {
      const digests = runs.map((run) => run.details.get(step)?.inputs?.[0]?.digest ?? null);
      return { step, name: 'dataset', digests, differs: differs(digests) };
    }),
  };
}

export function lineageOf(namespace: Namespace, query: URLSearchParams): Lineage {
  const { nodes, edges } = namespace.lineage;
  const of = query.get('artifact') ?? query.get('model');
  if (!of) throw new Refusal(400, 'Invalid', 'give one of artifact=sha256:... and model=NAME');
  const start = nodes.find(
    (node) =>
      (query.has('artifact') && node.kind === 'artifact' && node.digest === of) ||
      (query.has('model') && node.kind === 'deployment' && node.label.startsWith(`${of} `)),
  );
  const lone = !start && namespace.artifacts.get(of);
  if (lone) {
    const { digest, type = 'artifact', bytes } = lone;
    const label = `${type} ${digest.slice(7, 15)}`;
    return {
      nodes: [{ id: digest, kind: 'artifact', label, type, digest, bytes }],
      edges: [],
      cut: false,
    };
  }
  if (!start) throw new Refusal(404, 'NotFound', `there is no ${of} in the namespace`);
  const direction = query.get('direction') ?? 'both';
  const kept = new Set([start.id]);
  const walk = (id: string, from: 0 | 1) => {
    for (const edge of edges) {
      if (edge[from] !== id) continue;
      kept.add(edge[1 - from]!);
      walk(edge[1 - from]!, from);
    }
  };
  if (direction !== 'down') walk(start.id, 1);
  if (direction !== 'up') walk(start.id, 0);
  return {
    nodes: nodes.filter((node) => kept.has(node.id)),
    edges: edges.filter(([a, b]) => kept.has(a) && kept.has(b)),
    cut: false,
  };
}
