// Of the namespace "ml": data with its schema and statistics, a report, models, and lineage.
import type { ColumnStatistics, Value } from '../../src/api/types';
import { dice, digest, iso, type Namespace } from './world';

const DATASET = digest(78);
export const REPORT = digest(77);
const MODEL = digest(79);
export const STATISTICS = digest(76);

const COLUMNS = [
  {
    name: 'carrier',
    type: 'string',
    nullable: false,
    role: 'feature',
    domain: ['AA', 'UA', 'DL', 'WN'],
  },
  { name: 'dest', type: 'string', nullable: false, role: 'feature' },
  { name: 'hour', type: 'int64', nullable: false, role: 'feature' },
  { name: 'distance', type: 'int64', nullable: true, role: 'feature', unit: 'mile' },
  { name: 'dep_delay', type: 'double', nullable: true, role: 'feature' },
  { name: 'late', type: 'bool', nullable: false, role: 'label' },
];

function histogram(shape: (x: number) => number, low: number, high: number) {
  const width = (high - low) / 24;
  return Array.from({ length: 24 }, (_, n) => ({
    low: low + n * width,
    high: low + (n + 1) * width,
    count: Math.round(9000 * shape((n + 0.5) / 24)),
  }));
}

const number = (
  name: string,
  type: string,
  bins: ReturnType<typeof histogram>,
  mean: number,
  nulls: number,
): ColumnStatistics => ({
  name,
  type,
  kind: 'number',
  rows: 336776,
  nulls,
  distinct: 527,
  numbers: {
    mean,
    deviation: mean / 2,
    min: bins[0]!.low,
    max: bins.at(-1)!.high,
    histogram: bins,
  },
});

const text = (name: string, type: string, top: [Value, number][]): ColumnStatistics => ({
  name,
  type,
  kind: type === 'bool' ? 'boolean' : 'text',
  rows: 336776,
  nulls: 0,
  distinct: top.length,
  top: top.map(([value, count]) => ({ value, count })),
});

function sampled(next: () => number): Value[] {
  return [
    ['UA', 'WN', 'DL', 'AA'][Math.floor(next() * 4)]!,
    ['ORD', 'ATL', 'LAX', 'BOS'][Math.floor(next() * 4)]!,
    5 + Math.floor(next() * 18),
    next() < 0.05 ? null : Math.floor(100 + next() * 2500),
    Math.round(next() * 900 - 200) / 10,
    next() < 0.25,
  ];
}

export function addArtifacts(out: Namespace) {
  const next = dice(5);
  out.artifacts.set(DATASET, {
    digest: DATASET,
    type: 'dataset',
    bytes: 48_211_934,
    folder: true,
    fileCount: 4,
    files: [
      { path: 'part-0.parquet', bytes: 24_105_967 },
      { path: 'part-1.parquet', bytes: 24_105_967 },
      { path: '_schema.json', bytes: 612 },
      { path: '_sample.json', bytes: 2311 },
    ],
    producer: { run: 'flights-41', step: 'features', output: 'dataset' },
    schema: { columns: COLUMNS, rows: 336776 } as unknown as Value,
    sample: {
      columns: COLUMNS.map((column) => column.name),
      moreColumns: 0,
      places: Array.from({ length: 20 }, (_, n) => 7 + 16_000 * n),
      // What somebody wrote into their data, long, is shown as text, and that it is not whole.
      rows: [
        [`<b>UA</b> \u202e${'so long '.repeat(24)}`, 'ORD', 5, null, ['\u202e', 1], true] as Value[],
        ...Array.from({ length: 19 }, () => sampled(next)),
      ],
      cut: [[0, 0, 30_412]],
    },
  });
  out.artifacts.set(STATISTICS, {
    digest: STATISTICS,
    type: 'statistics',
    bytes: 20_113,
    folder: false,
    fileCount: 1,
    files: [{ path: '', bytes: 20_113 }],
    producer: { run: 'flights-41', step: 'statistics', output: 'statistics' },
    statistics: {
      rows: 336776,
      label: 'late',
      columns: [
        text('carrier', 'string', [
          ['UA', 58665],
          ['WN', 54635],
          ['DL', 48110],
          ['AA', 32729],
        ]),
        text('dest', 'string', [
          ['ORD', 17283],
          ['ATL', 17215],
          ['LAX', 16174],
          ['BOS', 15508],
        ]),
        number(
          'hour',
          'int64',
          histogram((x) => 0.3 + Math.sin(x * 3) * 0.6, 5, 23),
          13.18,
          0,
        ),
        number(
          'distance',
          'int64',
          histogram((x) => Math.exp(-3 * x) + 0.1 * Math.sin(9 * x) ** 2, 17, 4983),
          1039.9,
          12,
        ),
        number(
          'dep_delay',
          'double',
          histogram((x) => Math.exp(-9 * x), -43, 1301),
          12.64,
          8255,
        ),
        text('late', 'bool', [
          [false, 258219],
          [true, 78557],
        ]),
      ],
      sample: Array.from({ length: 20 }, () => sampled(next)),
    } as unknown as Value,
  });
  out.artifacts.set(REPORT, {
    digest: REPORT,
    type: 'report',
    bytes: 18_204,
    folder: true,
    fileCount: 1,
    files: [{ path: 'index.html', bytes: 18_204 }],
    producer: { run: 'flights-41', step: 'evaluate', output: 'report' },
    report: 'index.html',
  });
  // A report of somebody who means no good: its frame lets none of it happen.
  out.contents.set(`${REPORT}/index.html`, {
    type: 'text/html; charset=utf-8',
    text: `<!doctype html><title>Evaluation</title><style>body{font:14px sans-serif;margin:24px}td{padding:4px 16px 4px 0}</style>
<h1>Evaluation of flights</h1><table><tr><td>AUC<td>0.9134<tr><td>log loss<td>0.2871<tr><td>rows<td>67,356</table>
<p>Slices by carrier: UA 0.921, WN 0.918, DL 0.904, AA 0.899.</p>
<script>parent.postMessage('escaped','*');parent.document.title='escaped';fetch('/api/v1/me')</script>
<img src="https://outside.example/pixel.png" alt="">`,
  });
  out.artifacts.set(MODEL, {
    digest: MODEL,
    type: 'model',
    bytes: 2_204_711,
    folder: true,
    fileCount: 2,
    files: [
      { path: 'model.yaml', bytes: 2113 },
      { path: 'model.json', bytes: 2_202_598 },
    ],
    producer: { run: 'flights-41', step: 'train', output: 'model' },
  });
  out.models = [
    {
      name: 'flights',
      model: '$(pipelines.flights.outputs.model)',
      phase: 'Step',
      reason: 'RollingOut',
      message: 'version 8 takes 20% of the traffic; gate latencyP95 has not enough samples yet',
      url: 'http://flights.ml.svc:8080/v2/models/flights',
      versions: [
        {
          name: 'v7',
          version: 7,
          role: 'stable',
          digest: digest(179),
          bytes: 2_200_001,
          weight: '80%',
          replicas: 3,
          readyReplicas: 3,
          run: 'flights-37',
          created: iso(Date.now() - 90_000_000),
        },
        {
          name: 'v8',
          version: 8,
          role: 'candidate',
          digest: MODEL,
          bytes: 2_204_711,
          weight: '20%',
          phase: 'Step',
          replicas: 3,
          readyReplicas: 3,
          run: 'flights-41',
          created: iso(Date.now() - 1_900_000),
        },
      ],
      rollout: {
        version: 8,
        phase: 'Step',
        step: 2,
        steps: 4,
        approval: { need: 1, message: 'Compare the complaints of the week', values: [] },
        message: 'step 2 of 4: 20% for 10m, 6m 12s left',
        gates: [
          {
            name: 'errorRate',
            interval: ['0.02%', '0.31%'],
            bound: 'at most 1%',
            samples: 18211,
            verdict: 'Pass',
            message: 'below 1% with all of its interval',
          },
          {
            name: 'latencyP95',
            interval: ['86ms', '127ms'],
            bound: 'at most 0.12s',
            samples: 911,
            verdict: 'Inconclusive',
            message: 'the interval reaches over the bound',
          },
          {
            name: 'decisionFlips',
            interval: ['0.4%', '1.1%'],
            bound: 'at most 2%',
            samples: 18211,
            verdict: 'Pass',
          },
          {
            name: 'calibration',
            value: '0.982',
            bound: 'at least 0.95, at most 1.05',
            samples: 1,
            verdict: 'Pass',
          },
        ],
      },
      history: [
        {
          version: 6,
          digest: digest(178),
          to: 5,
          outcome: 'RolledBack',
          reason: 'errorRate 4.1% (surely between 3.2% and 5.2%) is beyond 1%',
          evidence: [
            {
              name: 'errorRate',
              interval: ['3.2%', '5.2%'],
              value: '4.1%',
              bound: 'at most 1%',
              samples: 2204,
              verdict: 'Fail',
            },
          ],
          time: iso(Date.now() - 400_000_000),
        },
        { version: 5, digest: digest(177), outcome: 'Promoted', evidence: [], time: iso(Date.now() - 700_000_000) },
      ],
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          reason: 'Available',
          message: '3 of 3 servers are ready',
          time: iso(Date.now()),
        },
      ],
    },
    {
      name: 'churn',
      model: 'churn:champion',
      phase: 'Ready',
      history: [],
      conditions: [],
      versions: [
        {
          name: 'v3',
          version: 3,
          role: 'stable',
          digest: digest(180),
          bytes: 1_000_001,
          weight: '100%',
          replicas: 1,
          readyReplicas: 1,
          run: 'churn-15',
          created: iso(Date.now() - 200_000_000),
        },
      ],
    },
  ];
  const file = (id: string, name: string) => ({
    id,
    kind: 'file' as const,
    label: `s3://flights/2026/${name}`,
    uri: `s3://flights/2026/${name}`,
    digest: `"etag-${name}"`,
  });
  const step = (id: string, name: string) => ({
    id,
    kind: 'step' as const,
    label: `flights-41/${name}`,
    run: 'flights-41',
    step: name,
    component: `${name}-1`,
    pipeline: 'flights',
  });
  const artifact = (id: string, type: string, of: string) => ({
    id,
    kind: 'artifact' as const,
    label: `${type} ${of.slice(7, 15)}`,
    type,
    digest: of,
    bytes: 48_000_000,
  });
  out.lineage = {
    nodes: [
      file('f1', '01.parquet'),
      file('f2', '02.parquet'),
      step('s1', 'ingest'),
      artifact('a1', 'dataset', digest(81)),
      step('s2', 'features'),
      artifact('a2', 'dataset', DATASET),
      step('s3', 'train'),
      artifact('m1', 'model', MODEL),
      step('s4', 'evaluate'),
      artifact('a3', 'report', REPORT),
      {
        id: 'd1',
        kind: 'deployment',
        label: 'flights v8',
        digest: MODEL,
        version: 8,
        weight: '20%',
      },
    ],
    cut: false,
    edges: [
      ['f1', 's1'],
      ['f2', 's1'],
      ['s1', 'a1'],
      ['a1', 's2'],
      ['s2', 'a2'],
      ['a2', 's3'],
      ['s3', 'm1'],
      ['m1', 's4'],
      ['a2', 's4'],
      ['s4', 'a3'],
      ['m1', 'd1'],
    ],
  };
}
