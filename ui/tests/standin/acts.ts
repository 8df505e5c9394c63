// What a POST does in the stand-in's world.
import { NOW, makeRun } from './small';
import { Refusal } from './server';
import { countsOf, type Namespace } from './world';

interface Done {
  status: number;
  body: unknown;
  command: string;
}

export function act(namespace: Namespace, parts: string[], body: Record<string, unknown>): Done {
  const [kind, name = '', what] = parts;
  if (kind === 'models') {
    const model = namespace.models.find((m) => m.name === name);
    if (!model) throw new Refusal(404, 'NotFound', `there is no model ${name}`);
    if (model.rollout)
      model.rollout.phase = { promote: 'Promoting', abort: 'Aborted', pause: 'Paused' }[what ?? ''];
    return { status: 202, body: model, command: `penstock rollout ${what} ${name}` };
  }
  if (!name) return start(namespace, String(body.pipeline), body);
  const run = namespace.runs.get(name);
  if (!run) throw new Refusal(404, 'NotFound', `there is no run ${name}`);
  if (what === 'cancel') {
    for (const step of run.steps.values()) {
      if (['Running', 'Waiting'].includes(step.phase)) step.phase = 'Cancelled';
    }
    Object.assign(run.row, {
      phase: 'Cancelled',
      reason: 'Cancelled',
      message: 'cancelled by alice@example.com',
      step: undefined,
      finished: new Date().toISOString(),
      steps: countsOf(run.steps.values()),
    });
    return { status: 202, body: run.row, command: `penstock cancel ${name}` };
  }
  if (what === 'approve') {
    const step = run.steps.get(String(body.step));
    if (!step) throw new Refusal(404, 'NotFound', `run ${name} has no step ${body.step}`, 'step');
    Object.assign(
      step,
      body.approved
        ? { phase: 'Succeeded', reason: 'Approved', message: 'by alice@example.com' }
        : { phase: 'Failed', reason: 'Rejected', message: String(body.comment ?? '') },
    );
    return { status: 202, body: run.row, command: `penstock approve ${name} ${step.name}` };
  }
  return start(namespace, run.row.pipeline!, body);
}

function start(namespace: Namespace, pipeline: string, body: Record<string, unknown>): Done {
  const parameters = (body.parameters ?? {}) as Record<string, never>;
  if (parameters.label === 'refused')
    throw new Refusal(422, 'InvalidParameter', 'no column is named refused', 'parameters.label');
  const name = `${pipeline}-new-${namespace.rows.length}`;
  const run = makeRun({ pipeline, name, created: NOW, stopAt: 'train', user: 'alice@example.com' });
  run.parameters = { ...run.parameters, ...parameters };
  namespace.runs.set(name, run);
  namespace.rows.unshift(run.row);
  return { status: 201, body: run.row, command: `penstock run ${pipeline} --cluster` };
}
