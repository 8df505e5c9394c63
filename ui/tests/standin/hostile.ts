// Names and texts of somebody who wants the page to run, load or hide something.
import type { StepRow } from '../../src/api/types';
import { NOW } from './small';
import { countsOf, emptyNamespace, iso, waiting, type Namespace, type WholeRun } from './world';

export const IMAGE = '<img src=x onerror="window.hurt=1">';
export const TURNED = 'invoice\u202efdp.exe';
export const SLASHES = '../../secrets/..%2f?x=1#y';
const SCRIPT = `</script><script>window.hurt=2</script>`;

export const LOG = [
  `${SCRIPT}${IMAGE}`,
  '\x1b]8;;javascript:window.hurt=3\x07click me\x1b]8;;\x07',
  '\x1b[31mred\x1b[0m and \x1b[38;2;1;200;100mtrue\x1b[0m, cut \x1b[3',
  'x'.repeat(10_000),
  'progress 1%\rprogress 50%\rprogress 100%',
  'bytes \u0000\u0007\u001b[2J\u001b[999;999H end',
  `bidi ${TURNED}`,
  '한국어 로그, emoji 🚰, and \ufffd',
].join('\n');

export function hostile(): Namespace {
  const out = emptyNamespace();
  for (const [n, name] of [IMAGE, TURNED, SLASHES, 'a'.repeat(253)].entries()) {
    const steps = new Map<string, StepRow>(
      [IMAGE, TURNED, SLASHES].map((step) => [
        step,
        {
          ...waiting(step),
          phase: 'Failed' as const,
          reason: IMAGE,
          message: SCRIPT,
          component: IMAGE,
          attempt: 1,
          attempts: 1,
        },
      ]),
    );
    const run: WholeRun = {
      row: {
        namespace: 'hostile',
        name,
        uid: `uid-${n}`,
        labels: { [IMAGE]: SCRIPT },
        pipeline: IMAGE,
        phase: 'Failed',
        step: TURNED,
        reason: IMAGE,
        message: `${SCRIPT} ${TURNED}`,
        user: SCRIPT,
        created: iso(NOW - n * 1000),
        started: iso(NOW - n * 1000),
        finished: iso(NOW),
        steps: countsOf(steps.values()),
      },
      parameters: { [IMAGE]: SCRIPT, constructor: 'x', __proto__x: TURNED },
      spec: SCRIPT,
      nodes: [...steps.keys()].map((step) => ({ name: step, kind: 'step' })),
      edges: [
        [IMAGE, TURNED],
        [TURNED, SLASHES],
        [SLASHES, 'nowhere'],
      ],
      steps,
      details: new Map([
        [
          IMAGE,
          { why: SCRIPT, command: ['sh', '-c', SCRIPT, TURNED], results: { [IMAGE]: SCRIPT } },
        ],
      ]),
      logs: new Map([...steps.keys()].map((step) => [step, LOG])),
      metrics: new Map([
        [
          IMAGE,
          [
            {
              name: IMAGE,
              points: [
                [1, 1, iso(NOW)],
                [2, Number.MAX_VALUE, iso(NOW)],
              ],
            },
          ],
        ],
      ]),
      conditions: [
        { type: IMAGE, status: SCRIPT, reason: SCRIPT, message: SCRIPT, time: iso(NOW) },
      ],
    };
    out.runs.set(name, run);
    out.rows.push(run.row);
  }
  out.pipelines = [
    {
      name: IMAGE,
      suspended: false,
      activeRuns: 0,
      schedules: [],
      inputs: [],
      steps: [IMAGE],
      approvals: [],
      triggers: [],
      spec: SCRIPT,
      parameters: [{ name: IMAGE, type: 'string', description: SCRIPT, default: TURNED }],
    },
  ];
  return out;
}
