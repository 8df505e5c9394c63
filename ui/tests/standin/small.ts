// The namespace "ml": three pipelines and some weeks of their runs, with every phase in them.
import type { Parameter, Pipeline, RunRow, StepRow } from '../../src/api/types';
import { addArtifacts } from './artifacts';
import { detail } from './step_details';
import {
  countsOf,
  emptyNamespace,
  iso,
  waiting,
  type Namespace,
  type WholeRun,
} from './world';

export const NOW = Date.now();
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

interface Kind {
  name: string;
  component?: string;
  items?: number;
  seconds: number;
  after: string[];
}

const FLIGHTS: Kind[] = [
  { name: 'ingest', component: 'ingest', seconds: 14, after: [] },
  { name: 'features', component: 'query', seconds: 31, after: ['ingest'] },
  { name: 'statistics', component: 'statistics', seconds: 9, after: ['features'] },
  { name: 'validate', component: 'validate', seconds: 6, after: ['statistics'] },
  { name: 'split', component: 'split', seconds: 12, after: ['features'] },
  { name: 'transform', component: 'transform', seconds: 18, after: ['split', 'validate'] },
  { name: 'fold', component: 'train', items: 12, seconds: 95, after: ['transform'] },
  { name: 'train', component: 'train', seconds: 260, after: ['fold'] },
  { name: 'evaluate', component: 'evaluate', seconds: 22, after: ['train'] },
  { name: 'drift', component: 'drift', seconds: 11, after: ['split'] },
  { name: 'go', seconds: 600, after: ['evaluate', 'drift'] },
  { name: 'bless', component: 'bless', seconds: 4, after: ['go'] },
];

const CHURN: Kind[] = [
  { name: 'fetch-accounts', component: 'http', seconds: 6, after: [] },
  { name: 'fetch-events', component: 'ingest', seconds: 44, after: [] },
  { name: 'join', component: 'query', seconds: 25, after: ['fetch-accounts', 'fetch-events'] },
  { name: 'audit', component: 'audit', seconds: 20, after: ['join'] },
  { name: 'train', component: 'train', seconds: 130, after: ['join'] },
  { name: 'evaluate', component: 'evaluate', seconds: 15, after: ['train', 'audit'] },
  { name: 'report', component: 'explain', seconds: 40, after: ['evaluate'] },
];

const NIGHTLY: Kind[] = [
  { name: 'north', component: 'ingest', seconds: 20, after: [] },
  { name: 'south', component: 'ingest', seconds: 26, after: [] },
  { name: 'west', component: 'ingest', seconds: 18, after: [] },
  { name: 'merge', component: 'query', seconds: 30, after: ['north', 'south', 'west'] },
  { name: 'publish', component: 'http', seconds: 3, after: ['merge'] },
];

const KINDS: Record<string, Kind[]> = { flights: FLIGHTS, churn: CHURN, 'nightly-etl': NIGHTLY };

export const PARAMETERS: Parameter[] = [
  {
    name: 'data',
    type: 'string',
    default: 's3://flights/2026/*.parquet',
    description: 'where the rows are',
  },
  { name: 'rounds', type: 'integer', default: 200, minimum: 1, maximum: 10000 },
  { name: 'learningRate', type: 'number', default: 0.05, minimum: 0, maximum: 1 },
  { name: 'learner', type: 'string', enum: ['boosting', 'linear', 'mlp'], default: 'boosting' },
  {
    name: 'balanced',
    type: 'boolean',
    default: false,
    description: 'weigh classes by their share',
  },
  { name: 'regions', type: 'list', default: ['east', 'west'] },
  { name: 'label', type: 'string', pattern: '[a-z_]+', description: 'column to learn' },
];

interface Plan {
  pipeline: string;
  name: string;
  created: number;
  fails?: string;
  reason?: [string, string];
  stopAt?: string; // runs up to here, and is at it now
  cause?: string;
  user?: string;
  cached?: number; // this many steps from the beginning
  cachedFrom?: string;
}

export function makeRun(plan: Plan): WholeRun {
  const kinds = KINDS[plan.pipeline]!;
  const steps = new Map<string, StepRow>();
  const ends = new Map<string, number>();
  const lost = new Set<string>();
  let end = plan.created;
  let stopped = false;
  kinds.forEach((kind, n) => {
    const from = Math.max(plan.created + 800, ...kind.after.map((name) => ends.get(name) ?? 0));
    const row = waiting(kind.name);
    steps.set(kind.name, row);
    if (kind.component) Object.assign(row, { component: kind.component, version: '1' });
    if (kind.items)
      row.items = { total: kind.items, succeeded: 0, failed: 0, skipped: 0, running: 0 };
    if (kind.after.some((name) => lost.has(name))) {
      lost.add(kind.name);
      Object.assign(row, {
        phase: 'Skipped',
        reason: 'WhenFalse',
        message: `${kind.after[0]} did not succeed`,
      });
      return;
    }
    if (stopped && kind.after.some((name) => !ends.has(name))) {
      row.message = `waits for ${kind.after.filter((name) => !ends.has(name)).join(', ')}`;
      return;
    }
    if (n < (plan.cached ?? 0)) {
      const at = iso(from + 200);
      Object.assign(row, {
        phase: 'Succeeded',
        cached: true,
        cachedFrom: plan.cachedFrom,
      });
      row.times = { started: at, finished: at };
      ends.set(kind.name, from + 300);
      return;
    }
    const queued = from + 300;
    const fetch = queued + 1000 + 900 * (n % 4);
    const started = fetch + 1500 + 700 * (n % 3);
    const upload = started + kind.seconds * 1000;
    const finished = upload + 1200 + 800 * (n % 2);
    if (kind.component && !kind.items) row.attempt = row.attempts = 1;
    row.times = { queued: iso(queued), fetchStarted: iso(fetch), started: iso(started) };
    if (plan.stopAt === kind.name) {
      stopped = true;
      if (kind.component) {
        Object.assign(row, { phase: 'Running', progress: { done: 37, total: 200, left: '2m20s' } });
      } else {
        Object.assign(row, {
          phase: 'Running',
          reason: 'AwaitingApproval',
          message:
            'AUC is 0.9134. Ship it? - waits for an approval by group ml-leads, but not by who started the run',
        });
        row.times = { started: iso(queued) };
      }
      return;
    }
    end = Math.max(end, finished);
    row.times = { ...row.times, uploadStarted: iso(upload), finished: iso(finished) };
    if (plan.fails === kind.name) {
      const [reason, message] = plan.reason!;
      Object.assign(row, { phase: 'Failed', reason, message, attempt: 3, attempts: 3 });
      lost.add(kind.name);
      if (row.items) Object.assign(row.items, { succeeded: kind.items! - 2, failed: 2 });
      return;
    }
    row.phase = 'Succeeded';
    if (row.items) row.items.succeeded = row.items.total;
    ends.set(kind.name, finished);
  });
  const failed = plan.fails !== undefined;
  const row: RunRow = {
    namespace: 'ml',
    name: plan.name,
    uid: `uid-${plan.name}`,
    pipeline: plan.pipeline,
    phase: plan.stopAt ? 'Running' : failed ? 'Failed' : 'Succeeded',
    ...(plan.cause ? { cause: plan.cause } : {}),
    created: iso(plan.created),
    started: iso(plan.created + 400),
    steps: countsOf(steps.values()),
    labels: {
      'penstock.dev/pipeline': plan.pipeline,
      team: plan.pipeline === 'churn' ? 'growth' : 'ops',
    },
  };
  if (plan.user) row.user = plan.user;
  if (!plan.stopAt) row.finished = iso(end + 500);
  const stop = plan.stopAt ? steps.get(plan.stopAt) : undefined;
  if (failed)
    Object.assign(row, told(plan.fails!, ...plan.reason!));
  else if (stop?.reason)
    Object.assign(row, told(stop.name, stop.reason, stop.message ?? ''));
  return {
    row,
    parameters: {
      data: 's3://flights/2026/*.parquet',
      rounds: 200,
      learningRate: 0.05,
      learner: 'boosting',
      label: 'late',
    },
    spec: specOf(plan.pipeline, kinds),
    nodes: kinds.map(({ name, items, component }) => ({
      name,
      kind: items ? 'loop' : component ? 'step' : 'approval',
      ...(items ? { items } : {}),
    })),
    edges: kinds.flatMap(({ name, after }) => after.map((a) => [a, name] as [string, string])),
    steps,
    details: new Map(),
    logs: new Map(),
    metrics: new Map(),
    conditions: [
      {
        type: 'Succeeded',
        status: plan.stopAt ? 'Unknown' : failed ? 'False' : 'True',
        reason: failed ? 'StepFailed' : 'Completed',
        message: failed ? `step ${plan.fails} failed` : '',
        time: iso(end),
      },
      {
        type: 'Finished',
        status: plan.stopAt ? 'False' : 'True',
        reason: failed ? 'Failed' : 'Completed',
        message: '',
        time: iso(end),
      },
    ],
  };
}

// As a run's row says why: its message has the step and the reason again.
const told = (step: string, reason: string, message: string) => ({
  step,
  reason,
  message: `step ${step} (${reason}): ${message}`,
});

function specOf(pipeline: string, kinds: Kind[]): string {
  const steps = kinds.map((kind) =>
    kind.component
      ? `  - name: ${kind.name}\n    component: {name: ${kind.component}, version: "1", library: true}`
      : `  - name: ${kind.name}\n    approval:\n      approvers: [{group: ml-leads}]`,
  );
  return `apiVersion: penstock.dev/v1alpha1\nkind: Pipeline\nmetadata: {name: ${pipeline}}\nspec:\n  steps:\n${steps.join('\n')}\n`;
}

const REASONS: [string, string, string][] = [
  [
    'train',
    'OutOfMemory',
    'the program was killed at its memory limit of 8Gi; its budget of 2 retries is spent',
  ],
  [
    'validate',
    'ExitCode',
    'the program ended with 1: 3 anomalies, the first: carrier has 12 values that the schema does not know',
  ],
  [
    'ingest',
    'ExitCode',
    'exit code 1: penstock-components exited with code 1; its last words: "ingest: file:///data/2026/flights/january.csv: CSV line 3: Expected 2 columns, got 3"; it is not tried again (no retry left of 0 for the step\'s own failure)',
  ],
  ['fold', 'StepFailed', '2 of 12 items failed, the first: item 7: exit code 1'],
];

export function small(): Namespace {
  const out = emptyNamespace();
  const plans: Plan[] = [
    {
      pipeline: 'flights',
      name: 'flights-42',
      created: NOW - 11 * MINUTE,
      stopAt: 'train',
      user: 'alice@example.com',
      cached: 5,
      cachedFrom: 'flights-41',
    },
    {
      pipeline: 'flights',
      name: 'flights-41',
      created: NOW - 64 * MINUTE,
      stopAt: 'go',
      cause: 'Change',
      user: 'alice@example.com',
    },
    {
      pipeline: 'churn',
      name: 'churn-18',
      created: NOW - 95 * MINUTE,
      user: 'bob@example.com',
      fails: 'train',
      reason: ['OutOfMemory', REASONS[0]![2]],
    },
  ];
  for (let n = 0; n < 40; n += 1) {
    const pipeline = ['flights', 'nightly-etl', 'churn'][n % 3]!;
    const [fails, reason, message] = REASONS[n % 4]!;
    const broken = n % 7 === 2 && KINDS[pipeline]!.some((kind) => kind.name === fails);
    plans.push({
      pipeline,
      name: `${pipeline}-${40 - n}`,
      created: NOW - (3 + n * 7) * HOUR,
      cause: pipeline === 'nightly-etl' ? 'Schedule' : n % 2 ? undefined : 'Change',
      ...(pipeline === 'nightly-etl' ? {} : { user: n % 4 ? 'alice@example.com' : 'carol' }),
      ...(broken ? { fails, reason: [reason, message] as [string, string] } : {}),
      ...(n % 5 === 4 ? { cached: 3, cachedFrom: `${pipeline}-${37 - n}` } : {}),
    });
  }
  plans.forEach((plan, n) => {
    const run = makeRun(plan);
    detail(run, 1000 + 100 * n);
    out.runs.set(plan.name, run);
    out.rows.push(run.row);
  });
  const last = (pipeline: string) => {
    const { name, phase, finished } = out.rows.find((row) => row.pipeline === pipeline)!;
    return { name, phase, ...(finished ? { finished } : {}) };
  };
  const pipeline = (name: string, more: Partial<Pipeline>): Pipeline => ({
    name,
    suspended: false,
    activeRuns: 0,
    schedules: [],
    parameters: [],
    inputs: [],
    steps: KINDS[name]!.map((kind) => kind.name),
    approvals: KINDS[name]!.filter((kind) => !kind.component).map((kind) => kind.name),
    triggers: [],
    spec: specOf(name, KINDS[name]!),
    ready: 'True',
    lastRun: last(name),
    ...more,
  });
  out.pipelines = [
    pipeline('flights', { parameters: PARAMETERS, activeRuns: 2 }),
    pipeline('churn', { parameters: PARAMETERS.slice(0, 3) }),
    pipeline('nightly-etl', {
      schedules: [
        { name: 'nightly', cron: '0 3 * * *', timeZone: 'Europe/Berlin', suspended: true },
      ],
      suspended: true,
    }),
  ];
  addArtifacts(out);
  return out;
}
