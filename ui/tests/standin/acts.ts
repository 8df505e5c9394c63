// What a POST does in the stand-in's world.
import { NOW, makeRun } from './small';
import { Refusal } from './refusal';
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
    if (!model.rollout) throw new Refusal(409, 'Conflict', `${name} has no candidate`);
    const phases: Record<string, string> = { promote: 'Promoting', pause: 'Paused' };
    let word = what;
    if (what === 'approve') {
      if (!model.rollout.approval)
        throw new Refusal(409, 'Conflict', `version ${model.rollout.version} waits for no approval`);
      delete model.rollout.approval;
      word = body.approved ? 'approve' : 'reject';
    }
    model.rollout.phase = phases[what ?? ''] ?? 'Step';
    return {
      status: 202,
      body: { name, word },
      command: `penstock rollout ${word} ${name} -n ml`,
    };
  }
  if (!name) return start(namespace, 201, String(body.pipeline), body);
  const run = namespace.runs.get(name);
  if (!run) throw new Refusal(404, 'NotFound', `there is no run ${name}`);
  if (what === 'cancel') {
    for (const step of run.steps.values()) {
      if (!['Succeeded', 'Failed', 'Skipped'].includes(step.phase)) step.phase = 'Cancelled';
    }
    Object.assign(run.row, {
      phase: 'Cancelled',
      reason: 'Cancelled',
      message: 'cancelled by alice@example.com',
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
  const from = (body.from ?? []) as string[];
  const absent = from.find((step) => !run.steps.has(step));
  if (absent !== undefined)
    throw new Refusal(400, 'Invalid', `run ${name} has no step ${absent}`, 'from');
  return start(namespace, 202, run.row.pipeline!, body);
}

function start(
  namespace: Namespace,
  status: number,
  pipeline: string,
  body: Record<string, unknown>,
): Done {
  const parameters = (body.parameters ?? {}) as Record<string, never>;
  if (parameters.label === 'refused')
    throw new Refusal(400, 'Invalid', 'no column is named refused', 'parameters.label');
  const name = `${pipeline}-new-${namespace.rows.length}`;
  const run = makeRun({ pipeline, name, created: NOW, stopAt: 'train', user: 'alice@example.com' });
  run.parameters = { ...run.parameters, ...parameters };
  namespace.runs.set(name, run);
  namespace.rows.unshift(run.row);
  return { status, body: run.row, command: `penstock run ${pipeline} -n ml` };
}
