// What the panel of a step shows beyond its row: attempts, inputs, events, its log and its curves.
import type { Series, Step, StepRow } from '../../src/api/types';
import { dice, digest, iso, type WholeRun } from './world';

export function detail(run: WholeRun, seed: number) {
  for (const row of run.steps.values()) {
    const use = (name: string, type: string, n: number, fromStep?: string) => ({
      name,
      type,
      digest: digest(n),
      bytes: 48_000_000 + n * 977,
      folder: type === 'dataset' || type === 'model',
      ...(fromStep ? { fromStep } : {}),
    });
    const before = run.edges.filter(([, to]) => to === row.name).map(([from]) => from);
    const details: Partial<Step> = {
      why: whyOf(run, row),
      command: row.component
        ? ['penstock-component', row.component, '--rounds', '200', '--label', "late = 'yes'"]
        : [],
      inputs: before.map((from, n) => use(from, 'dataset', seed + n, from)),
      outputs:
        row.phase === 'Succeeded'
          ? [
              use(
                row.name === 'train' ? 'model' : 'dataset',
                row.name === 'train' ? 'model' : 'dataset',
                seed + 40,
              ),
            ]
          : [],
      events: eventsOf(row),
      attempts: attemptsOf(run, row),
    };
    if (row.component) {
      details.cacheKey = digest(seed + 90).slice(7);
      details.resources = { requests: { cpu: '2', memory: '4Gi' }, limits: { memory: '8Gi' } };
    }
    if (!row.cached && row.component)
      details.cacheMiss = 'NotFound';
    if (row.name === 'ingest')
      details.inputs = [
        { name: 'source', uri: 's3://flights/2026/*.parquet', fingerprint: '"etag-1"' },
      ];
    if (row.name === 'evaluate' && row.phase === 'Succeeded') {
      details.results = { auc: 0.9134, logLoss: 0.2871, rows: 67356 };
      details.outputs = [
        use('metrics', 'metrics', seed + 41),
        { ...use('report', 'report', 0), digest: digest(77) },
      ];
    }
    if (row.name === 'statistics')
      details.outputs = [{ ...use('statistics', 'statistics', 0), digest: digest(76) }];
    if (row.name === 'features')
      details.outputs = [{ ...use('dataset', 'dataset', 0), digest: digest(78) }];
    if (row.reason === 'AwaitingApproval') {
      details.approval = {
        need: 1,
        values: [
          { name: 'environment', type: 'string', enum: ['staging', 'production'] },
          { name: 'share', type: 'integer', minimum: 1, maximum: 50, default: 5, optional: true },
        ],
      };
    }
    run.details.set(row.name, details);
    run.logs.set(row.name, logOf(row));
    if (row.component === 'train')
      run.metrics.set(row.name, curvesOf(seed, row.phase === 'Running' ? 37 : 200));
    for (let item = 0; item < (row.items?.total ?? 0); item += 1)
      run.metrics.set(`${row.name}/${item}`, curvesOf(seed + item, 100 + item));
  }
}

function whyOf(run: WholeRun, row: StepRow): string {
  if (row.cached)
    return `its outputs came from the cache${row.cachedFrom ? `; run ${row.cachedFrom} made them` : ''}`;
  if (row.phase !== 'Waiting') return [row.reason, row.message].filter(Boolean).join(': ');
  const before = run.edges.filter(([, to]) => to === row.name).map(([from]) => from);
  return `it waits for ${before.join(', ')}`;
}

function eventsOf(row: StepRow): Step['events'] {
  const at = row.times.started ?? iso(Date.now());
  const events = [
    {
      time: at,
      type: 'Normal',
      reason: 'Queued',
      message: 'every step before it has succeeded',
      count: 1,
    },
  ];
  if (row.phase === 'Failed') {
    events.push({
      time: row.times.finished ?? at,
      type: 'Warning',
      reason: row.reason ?? '',
      message: row.message ?? '',
      count: 3,
    });
  }
  return events;
}

function attemptsOf(run: WholeRun, row: StepRow): Step['attempts'] {
  return Array.from({ length: row.attempts }, (_, n) => ({
    attempt: n + 1,
    pod: `${run.row.name}-${row.name}-${n + 1}`,
    node: `node-${(n * 3) % 5}`,
    phase: row.phase,
    ...(row.phase === 'Failed'
      ? {
          reason: row.reason,
          exitCode: 137,
          lastWords: 'epoch 37 loss 0.4127\nterminate called after throwing std::bad_alloc',
        }
      : {}),
    ...(row.times.started ? { started: row.times.started } : {}),
    ...(row.times.finished ? { finished: row.times.finished } : {}),
  }));
}

export function logOf(row: StepRow): string {
  const lines = [
    `\x1b[2m2026-11-30T01:00:00Z\x1b[0m \x1b[36minfo\x1b[0m ${row.name} begins, component ${row.component ?? '-'}`,
  ];
  for (let n = 1; n <= 400; n += 1) {
    const level = n % 97 === 0 ? '\x1b[1;33mwarning\x1b[0m' : '\x1b[36minfo\x1b[0m';
    lines.push(
      `\x1b[2m2026-11-30T01:${String(Math.floor(n / 60)).padStart(2, '0')}:${String(n % 60).padStart(2, '0')}Z\x1b[0m ${level} round ${n} loss ${(0.7 / Math.sqrt(n)).toFixed(4)} \x1b[38;5;208mauc\x1b[0m ${(0.92 - 0.4 / n).toFixed(4)}`,
    );
  }
  if (row.phase === 'Failed') lines.push(`\x1b[1;31merror\x1b[0m ${row.reason}: ${row.message}`);
  return `${lines.join('\n')}\n`;
}

export function curvesOf(seed: number, count: number) {
  const next = dice(seed);
  const curve = (name: string, f: (n: number) => number) => ({
    name,
    points: Array.from(
      { length: count },
      (_, n) => [n + 1, f(n + 1), iso(1_790_000_000_000 + 1000 * n)] as Series['points'][number],
    ),
  });
  const rate = 0.4 + 0.3 * next();
  return [
    curve('loss', (n) => 0.69 * n ** -rate + 0.02 * next() + 0.12),
    curve('validation/loss', (n) => 0.7 * n ** -rate + 0.02 * next() + 0.16 + n / 9000),
    curve('validation/auc', (n) => 0.93 - 0.45 * n ** -rate - 0.004 * next()),
  ];
}

