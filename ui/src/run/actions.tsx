// What one can do to a run: again, not any more, and yes or no where it asks.
import { useState } from 'preact/hooks';

import { get, inNamespace, post } from '../api/client';
import type { Parameter, Pipeline, RunRow, Step, Value } from '../api/types';
import { ActButton, ActForm } from '../parts/act';
import { approveLine, cancelLine, rerunLine, runApprovedLine, runLine } from '../parts/cli';
import { isFinal } from '../parts/phase';
import { shown } from '../parts/shown';
import { DecisionForm } from '../pipelines/decision_form';
import { ParameterFields } from '../pipelines/parameter_form';
import { readAll, textOf } from '../pipelines/parameter_values';
import { place } from '../shell/me';
import { go, href } from '../shell/route';
import { t } from '../words/words';
import type { RunStore } from './run_store';

export function CancelButton({ store }: { store: RunStore }) {
  return (
    <ActButton label={t('cancel')} verb="patch">
      {(close) => (
        <ActForm
          says={t('cancelSays')}
          submit={t('cancel')}
          danger
          here
          command={cancelLine(place.value, store.name)}
          act={async () => {
            await post(inNamespace(store.namespace, ['runs', store.name, 'cancel']), {});
            void store.again();
          }}
          onDone={close}
        />
      )}
    </ActButton>
  );
}

// `step`: that it begins at, until another is chosen.
export function RerunButton({ store, step }: { store: RunStore; step?: string }) {
  return (
    <ActButton label={t(step ? 'rerunHere' : 'rerun')} title={t('rerun')} verb="create">
      {(close) => <RerunForm store={store} step={step} onDone={close} />}
    </ActButton>
  );
}

// What of a run's parameters a person changed: the others are not said again.
function changedOf(given: Record<string, Value>, values: Record<string, Value>) {
  return Object.fromEntries(
    Object.entries(values).filter(
      ([name, value]) => JSON.stringify(value) !== JSON.stringify(given[name]),
    ),
  );
}

function typeOf(value: Value): Parameter['type'] {
  if (Array.isArray(value)) return 'list';
  if (typeof value === 'object') return 'object';
  if (typeof value === 'boolean') return 'boolean';
  return typeof value === 'number' ? 'number' : 'string';
}

interface RerunProps {
  store: RunStore;
  step: string | undefined;
  onDone: () => void;
}

// What runs again: of a run that has ended a step and all after it, or what failed; or else its
// pipeline as that is now.
const NOW = '*';
const FAILED = '';

function choicesOf(store: RunStore): string[] {
  const run = store.run.value;
  const ended = isFinal(run?.phase ?? '');
  return [
    ...(ended && run?.phase !== 'Succeeded' ? [FAILED] : []),
    ...(run?.pipeline ? [NOW] : []),
    ...(ended ? store.order : []),
  ];
}

function choiceText(choice: string): string {
  if (choice === FAILED) return t('rerunFailed');
  return choice === NOW ? t('rerunNow') : t('rerunFrom', { step: shown(choice) });
}

function RerunForm({ store, step, onDone }: RerunProps) {
  const run = store.run.value;
  const given = run?.parameters ?? {};
  const [choices] = useState(() => choicesOf(store));
  const [choice, setChoice] = useState(step ?? choices[0] ?? NOW);
  const [declared, setDeclared] = useState<Parameter[]>();
  const [texts, setTexts] = useState<Record<string, string>>({});

  async function change() {
    const url = inNamespace(store.namespace, ['pipelines', run?.pipeline ?? '']);
    // A run of a file has no Pipeline on the cluster: its own parameters say their types.
    const pipeline = await get<Pipeline>(url).catch(() => undefined);
    const own = Object.entries(given).map(([name, value]) => ({ name, type: typeOf(value) }));
    setDeclared(pipeline?.body.parameters ?? own);
    setTexts(Object.fromEntries(Object.entries(given).map(([n, value]) => [n, textOf(value)])));
  }

  const { values, errors } = readAll(declared ?? [], texts);
  const parameters = changedOf(given, values);
  const from = choice === FAILED ? [] : [choice];
  return (
    <ActForm
      says={t('rerunSays')}
      submit={t('rerun')}
      blocked={Object.keys(errors).length > 0}
      command={
        choice === NOW
          ? runLine(place.value, run?.pipeline ?? '', { ...given, ...parameters })
          : rerunLine(place.value, store.name, from, parameters)
      }
      act={async () => {
        const url = inNamespace(store.namespace, ['runs', store.name, 'rerun']);
        const body = choice === NOW ? { parameters } : { parameters, from };
        const { name } = await post<RunRow>(url, body);
        go(href([store.namespace, 'runs', name]));
      }}
      onDone={onDone}
    >
      <div class="field">
        <label for="rerun-what">{t('rerunWhat')}</label>
        <select
          id="rerun-what"
          value={choice}
          onChange={(e) => setChoice(e.currentTarget.value)}
        >
          {choices.map((one) => (
            <option key={one} value={one}>
              {choiceText(one)}
            </option>
          ))}
        </select>
      </div>
      {declared ? (
        <ParameterFields
          parameters={declared}
          texts={texts}
          errors={errors}
          onText={(name, text) => setTexts({ ...texts, [name]: text })}
        />
      ) : (
        Object.keys(given).length > 0 && (
          <button type="button" class="small" onClick={() => void change()}>
            {t('changeParameters')}
          </button>
        )
      )}
    </ActForm>
  );
}

export function ApproveButton({ store, step }: { store: RunStore; step: Step }) {
  const url = inNamespace(store.namespace, ['runs', store.name, 'approve']);
  return (
    <ActButton
      primary
      label={t('approve')}
      title={t('approveTitle', { step: shown(step.name) })}
      verb="approve"
    >
      {(close) => (
        <DecisionForm
          says={shown(step.message ?? '')}
          asked={step.approval?.values}
          command={(decision) =>
            place.value.local
              ? runApprovedLine(place.value, store.run.value?.pipeline ?? '', step.name, decision)
              : approveLine(place.value, store.name, step.name, decision)
          }
          act={async (decision) => {
            await post(url, { step: step.name, ...decision });
            void store.again();
          }}
          onDone={close}
        />
      )}
    </ActButton>
  );
}
