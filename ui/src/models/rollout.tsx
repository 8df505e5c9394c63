// A rollout: what its gates say of the candidate, with the interval that they judge by, and why an
// earlier one was rolled back.
import { useState } from 'preact/hooks';

import { inNamespace, post } from '../api/client';
import type { Gate, Model, Rollout } from '../api/types';
import { ActButton, ActForm } from '../parts/act';
import { rolloutLine } from '../parts/cli';
import { At, Name } from '../parts/pieces';
import { Phase } from '../parts/phase';
import { numberText, shown } from '../parts/shown';
import { DecisionForm } from '../pipelines/decision_form';
import { place } from '../shell/me';
import { t } from '../words/words';

interface Props {
  namespace: string;
  model: Model;
  onChange: () => void;
}

const ACTS = [
  ['promote', 'promoteSays', false],
  ['pause', 'pauseSays', false],
  ['resume', 'resumeSays', false],
  ['abort', 'abortSays', true],
] as const;

interface DecideProps extends Props {
  rollout: Rollout;
  onDone: () => void;
}

// Of what was there when it was opened: another version may come in while somebody reads.
function Decide({ namespace, model, rollout, onChange, onDone }: DecideProps) {
  const [looked] = useState(rollout);
  const { version, step } = looked;
  return (
    <DecisionForm
      says={shown(looked.approval?.message ?? '')}
      asked={[]}
      command={({ approved, comment }) =>
        rolloutLine(place.value, approved ? 'approve' : 'reject', model.name, comment)
      }
      act={async (decision) => {
        const url = inNamespace(namespace, ['models', model.name, 'approve']);
        await post(url, { ...decision, version, step });
        onChange();
      }}
      onDone={onDone}
    />
  );
}

export function RolloutSection({ namespace, model, onChange }: Props) {
  const rollout = model.rollout;
  if (!rollout) {
    return (
      <section>
        <h2>{t('rollout')}</h2>
        <p class="dim">{t('rolloutNone')}</p>
      </section>
    );
  }
  const version = `v${rollout.version}`;
  const isHeld = rollout.phase === 'Paused' || rollout.phase === 'Preview';
  return (
    <section>
      <div class="bar">
        <h2>
          {t('rollout')} {version}
        </h2>
        <Phase phase={rollout.phase} />
        <span class="dim">
          {t('step')} {rollout.step}
          {rollout.steps ? `/${rollout.steps}` : ''}
        </span>
        <span class="grow" />
        {rollout.approval && (
          <ActButton
            primary
            label={t('approve')}
            title={t('approveTitle', { step: rollout.step })}
            verb="approve"
          >
            {(close) => (
              <Decide
                namespace={namespace}
                model={model}
                rollout={rollout}
                onChange={onChange}
                onDone={close}
              />
            )}
          </ActButton>
        )}
        {ACTS.filter(([what]) => what !== (isHeld ? 'pause' : 'resume')).map(
          ([what, says, danger]) => (
            <ActButton key={what} label={t(what)} verb="steer" primary={what === 'promote'}>
              {(close) => (
                <ActForm
                  says={t(says, { version })}
                  submit={t(what)}
                  danger={danger}
                  command={rolloutLine(place.value, what, model.name)}
                  act={async () => {
                    await post(inNamespace(namespace, ['models', model.name, what]), {});
                    onChange();
                  }}
                  onDone={close}
                />
              )}
            </ActButton>
          ),
        )}
      </div>
      {rollout.message && <p>{shown(rollout.message)}</p>}
      {rollout.gates.length > 0 && <Gates gates={rollout.gates} />}
    </section>
  );
}

function Gates({ gates }: { gates: Gate[] }) {
  return (
    <div class="wide" tabIndex={0} role="region" aria-label={t('gates')}>
      <table class="plain-table">
        <thead>
          <tr>
            <th>{t('gate')}</th>
            <th>{t('verdict')}</th>
            <th>{t('interval')}</th>
            <th>{t('bound')}</th>
            <th class="number">{t('samples')}</th>
            <th>{t('message')}</th>
          </tr>
        </thead>
        <tbody>
          {gates.map((gate) => (
            <tr key={gate.name}>
              <th scope="row">
                <Name text={gate.name} />
              </th>
              <td>
                <Phase phase={gate.verdict ?? ''} />
              </td>
              <td>
                <Interval gate={gate} />
              </td>
              <td>{shown(gate.bound ?? '')}</td>
              <td class="number">{numberText(gate.samples)}</td>
              <td>{shown(gate.message ?? '')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

// "at most 250ms" is 0.25 of "s"; a unit that is not of time stays itself.
export function measure(text: string | undefined): { value: number; unit: string } | undefined {
  const found = /(-?[\d.]+(?:e-?\d+)?)\s*(us|ms|s|%)?/.exec(text ?? '');
  if (!found) return undefined;
  const [, number, unit = ''] = found;
  const scale = { us: 1e-6, ms: 1e-3 }[unit];
  return { value: Number(number) * (scale ?? 1), unit: scale ? 's' : unit };
}

// The interval against its bound: a verdict is one that does not reach over it.
function Interval({ gate }: { gate: Gate }) {
  const ends = gate.interval ?? ['', ''];
  const said = gate.interval ? ends.map((end) => end || '?').join(' – ') : (gate.value ?? '');
  const [low, high] = ends.map(measure);
  const limit = measure(gate.bound);
  const bound = limit && limit.unit === (low ?? high)?.unit ? limit.value : undefined;
  const known = [low?.value, high?.value, bound].filter((x) => x !== undefined);
  if (!low && !high) return <span class="number">{shown(said)}</span>;
  const least = Math.min(0, ...known);
  const most = Math.max(...known) * 1.15 || 1;
  const x = (value: number) => (150 * (value - least)) / (most - least || 1);
  const [from, to] = [x(low?.value ?? least), x(high?.value ?? most)];
  return (
    <span class="interval">
      <svg viewBox="0 0 150 18" width="150" height="18" aria-hidden="true">
        <line class="rail" x1="0" x2="150" y1="9" y2="9" />
        <rect x={from} width={Math.max(2, to - from)} y="5" height="8" rx="1" />
        {bound !== undefined && <line class="bound" x1={x(bound)} x2={x(bound)} y1="1" y2="17" />}
      </svg>
      <span class="number">{shown(said)}</span>
    </span>
  );
}

export function History({ history }: { history: Model['history'] }) {
  if (history.length === 0) return null;
  return (
    <section>
      <h2>{t('history')}</h2>
      <ol class="events">
        {history.map((entry) => (
          <li key={`${entry.version} ${entry.time}`}>
            <At time={entry.time} /> v{entry.version}{' '}
            {entry.to !== undefined && <>→ v{entry.to} </>}
            <Phase phase={entry.outcome} /> {shown(entry.reason ?? '')}
            {entry.evidence.length > 0 && (
              <details>
                <summary>{t('evidence')}</summary>
                <Gates gates={entry.evidence} />
              </details>
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}
