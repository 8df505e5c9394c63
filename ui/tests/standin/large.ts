// A run of 5,000 steps that goes on while it is looked at, one of 10,000, one with nested pipelines,
// and 10,000 runs.
import type { GraphNode, RunRow, StepRow } from '../../src/api/types';
import { NOW } from './small';
import { curvesOf, logOf } from './step_details';
import { countsOf, dice, emptyNamespace, iso, waiting, type Namespace, type WholeRun } from './world';

export function layered(name: string, count: number, namespace: string): WholeRun {
  const next = dice(count);
  const steps = new Map<string, StepRow>();
  const edges: [string, string][] = [];
  const width = Math.round(Math.sqrt(count * 2));
  const names = Array.from({ length: count }, (_, n) => `step-${String(n).padStart(4, '0')}`);
  const created = NOW - 3_600_000;
  names.forEach((step, n) => {
    const layer = Math.floor(n / width);
    if (layer > 0) {
      for (let e = 0; e < 2; e += 1) {
        const near = Math.min(width - 1, Math.max(0, (n % width) + Math.floor(next() * 9) - 4));
        edges.push([names[(layer - 1) * width + near]!, step]);
      }
    }
    const done = n < count * 0.6;
    const failed = done && n % 211 === 17;
    const start = created + layer * 40_000 + (n % width) * 150;
    steps.set(step, {
      ...waiting(step),
      phase: failed ? 'Failed' : done ? 'Succeeded' : n < count * 0.64 ? 'Running' : 'Waiting',
      component: ['ingest', 'query', 'train', 'evaluate'][n % 4],
      version: '1',
      attempt: 1,
      attempts: 1,
      ...(failed ? { reason: 'ExitCode', message: 'the program ended with 1' } : {}),
      ...(n < count * 0.64
        ? {
            times: {
              queued: iso(start),
              fetchStarted: iso(start + 2000),
              started: iso(start + 4000),
              ...(done
                ? { uploadStarted: iso(start + 30_000), finished: iso(start + 33_000) }
                : {}),
            },
          }
        : {}),
    });
  });
  const row: RunRow = {
    namespace,
    name,
    uid: `uid-${name}`,
    labels: {},
    pipeline: 'wide',
    phase: 'Running',
    user: 'alice@example.com',
    created: iso(created),
    started: iso(created + 500),
    steps: countsOf(steps.values()),
  };
  return whole(
    row,
    names.map((n) => ({ name: n, kind: 'step' as const })),
    edges,
    steps,
  );
}

function whole(
  row: RunRow,
  nodes: GraphNode[],
  edges: [string, string][],
  steps: Map<string, StepRow>,
): WholeRun {
  const first = nodes[0]!.name;
  return {
    row,
    parameters: {},
    spec: '',
    nodes,
    edges,
    steps,
    details: new Map(),
    logs: new Map([[first, logOf({ ...waiting(first), phase: 'Succeeded', component: 'ingest' })]]),
    metrics: new Map([[first, curvesOf(3, 100)]]),
    conditions: [],
  };
}

// Moves `count` steps on, and gives those that moved.
export function moveOn(run: WholeRun, count: number, next: () => number): StepRow[] {
  const open = [...run.steps.values()].filter(
    (step) => step.phase === 'Running' || step.phase === 'Waiting',
  );
  const moved: StepRow[] = [];
  for (let n = 0; n < count && open.length > 0; n += 1) {
    const at = Math.floor(next() * Math.min(open.length, 400));
    const step = open.splice(at, 1)[0]!;
    const now = iso(Date.now());
    const changed: StepRow =
      step.phase === 'Waiting'
        ? { ...step, phase: 'Running', times: { queued: now, fetchStarted: now, started: now } }
        : { ...step, phase: 'Succeeded', times: { ...step.times, finished: now } };
    run.steps.set(step.name, changed);
    moved.push(changed);
  }
  return moved;
}

function nested(): WholeRun {
  const nodes: GraphNode[] = [
    { name: 'begin', kind: 'step' },
    { name: 'prepare', kind: 'pipeline' },
    { name: 'each', kind: 'loop', items: 40 },
    { name: 'end', kind: 'step' },
  ];
  const edges: [string, string][] = [
    ['begin', 'prepare'],
    ['prepare', 'each'],
    ['each', 'end'],
  ];
  const steps = new Map(
    nodes.map((node) => [
      node.name,
      {
        ...waiting(node.name),
        phase: 'Succeeded' as const,
        ...(node.kind === 'pipeline' ? { run: 'ten-thousand' } : {}),
        ...(node.items
          ? { items: { total: 40, succeeded: 40, failed: 0, skipped: 0, running: 0 } }
          : {}),
      },
    ]),
  );
  const row: RunRow = {
    namespace: 'big',
    name: 'nested',
    uid: 'uid-nested',
    labels: {},
    pipeline: 'outer',
    phase: 'Succeeded',
    created: iso(NOW - 60_000),
    started: iso(NOW - 60_000),
    finished: iso(NOW),
    steps: countsOf(steps.values()),
  };
  return whole(row, nodes, edges, steps);
}

export function big(): Namespace {
  const out = emptyNamespace();
  for (const run of [
    layered('five-thousand', 5000, 'big'),
    layered('ten-thousand', 10_000, 'big'),
    layered('three-hundred', 300, 'big'),
    nested(),
  ]) {
    out.runs.set(run.row.name, run);
    out.rows.push(run.row);
  }
  return out;
}

export function many(): Namespace {
  const out = emptyNamespace();
  const phases = ['Succeeded', 'Succeeded', 'Failed', 'Succeeded', 'Cancelled'] as const;
  for (let n = 10_000; n > 0; n -= 1) {
    const created = NOW - (10_000 - n) * 60_000;
    const phase = n > 9995 ? 'Running' : phases[n % 5]!;
    out.rows.push({
      namespace: 'many',
      name: `run-${String(n).padStart(5, '0')}`,
      uid: `uid-${n}`,
      labels: {},
      pipeline: `pipeline-${n % 12}`,
      phase,
      ...(n % 3 ? { cause: 'Schedule' } : {}),
      ...(n % 3 ? {} : { user: 'alice@example.com' }),
      created: iso(created),
      started: iso(created + 1000),
      ...(phase === 'Running' ? {} : { finished: iso(created + 90_000) }),
      ...(phase === 'Failed'
        ? {
            step: 'train',
            reason: 'OutOfMemory',
            message: 'the program was killed at its memory limit of 8Gi',
          }
        : {}),
      steps: {
        total: 12,
        succeeded: phase === 'Succeeded' ? 12 : 7,
        failed: phase === 'Failed' ? 1 : 0,
        running: 0,
        cached: 0,
        skipped: 0,
      },
    });
  }
  return out;
}
