// A rollout: what its gates say of the candidate, with the interval that they judge by, and why an
// earlier one was rolled back.
import { inNamespace, post } from '../api/client';
import type { Gate, Model, Value } from '../api/types';
import { ActButton, ActForm } from '../parts/act';
import { rolloutLine } from '../parts/cli';
import { At, Name } from '../parts/pieces';
import { Phase } from '../parts/phase';
import { numberText, shown, valueText } from '../parts/shown';
import { place } from '../shell/me';
import { t } from '../words/words';

export function weightText(weight: number | string | undefined): string {
  if (weight === undefined || weight === '') return '';
  return typeof weight === 'number' ? `${numberText(weight)}%` : weight;
}

interface Props {
  namespace: string;
  model: Model;
  onChange: () => void;
}

const ACTS = [
  ['promote', 'promoteSays', false],
  ['pause', 'pauseSays', false],
  ['abort', 'abortSays', true],
] as const;

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
  const version = rollout.version ?? model.versions?.at(-1)?.name ?? '';
  return (
    <section>
      <div class="bar">
        <h2>
          {t('rollout')} <Name text={version} />
        </h2>
        {rollout.phase && <Phase phase={rollout.phase} />}
        {rollout.step !== undefined && (
          <span class="dim">
            {t('step')} {rollout.step}
            {rollout.steps ? `/${rollout.steps}` : ''}
          </span>
        )}
        <span class="grow" />
        {ACTS.map(([what, says, danger]) => (
          <ActButton key={what} label={t(what)} verb="update" primary={what === 'promote'}>
            {(close) => (
              <ActForm
                says={t(says, { version: shown(version) })}
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
        ))}
      </div>
      {rollout.message && <p>{shown(rollout.message)}</p>}
      {rollout.gates && rollout.gates.length > 0 && <Gates gates={rollout.gates} />}
      <Evidence evidence={rollout.evidence} />
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
            <th class="number">{t('bound')}</th>
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
                <Phase phase={gate.verdict} />
              </td>
              <td>
                <Interval gate={gate} />
              </td>
              <td class="number">{gate.bound}</td>
              <td class="number">{gate.samples !== undefined && numberText(gate.samples)}</td>
              <td>{shown(gate.message ?? '')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

// The interval against its bound: a verdict is one that does not reach over it.
function Interval({ gate }: { gate: Gate }) {
  if (!gate.interval) return <span class="dim">{t('none')}</span>;
  const [low, high] = gate.interval;
  const bound = Number.parseFloat(String(gate.bound));
  const known = Number.isFinite(bound);
  const least = Math.min(low, known ? bound : low, 0);
  const most = Math.max(high, known ? bound : high) * 1.1 || 1;
  const x = (value: number) => (150 * (value - least)) / (most - least || 1);
  const said = `${numberText(low)} – ${numberText(high)}`;
  return (
    <span class="interval">
      <svg viewBox="0 0 150 18" width="150" height="18" aria-hidden="true">
        <line class="rail" x1="0" x2="150" y1="9" y2="9" />
        <rect x={x(low)} width={Math.max(2, x(high) - x(low))} y="5" height="8" rx="1" />
        {known && <line class="bound" x1={x(bound)} x2={x(bound)} y1="1" y2="17" />}
      </svg>
      <span class="number">{said}</span>
    </span>
  );
}

function Evidence({ evidence }: { evidence: NonNullable<Model['rollout']>['evidence'] }) {
  if (evidence === undefined) return null;
  return (
    <>
      <h3>{t('evidence')}</h3>
      {typeof evidence === 'string' ? (
        <p>{shown(evidence)}</p>
      ) : (
        <dl class="values">
          {Object.entries(evidence as Record<string, Value>).map(([name, value]) => (
            <div key={name}>
              <dt class="mono">{shown(name)}</dt>
              <dd class="mono">{valueText(value)}</dd>
            </div>
          ))}
        </dl>
      )}
    </>
  );
}

export function History({ history }: { history: NonNullable<Model['history']> }) {
  if (history.length === 0) return null;
  return (
    <section>
      <h2>{t('history')}</h2>
      <ol class="events">
        {history.map((entry) => (
          <li key={`${entry.version} ${entry.time}`}>
            <At time={entry.time} /> <Name text={entry.version} />{' '}
            <Phase phase={entry.outcome ?? ''} />{' '}
            <span class="mono">{shown(entry.reason ?? '')}</span> {shown(entry.message ?? '')}
          </li>
        ))}
      </ol>
    </section>
  );
}
