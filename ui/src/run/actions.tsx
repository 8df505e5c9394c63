// What one can do to a run: again, not any more, and yes or no where it asks.
import { useState } from 'preact/hooks';

import { get, inNamespace, post } from '../api/client';
import type { Parameter, Pipeline, RunRow, Step, Value } from '../api/types';
import { ActButton, ActForm } from '../parts/act';
import { approveLine, cancelLine, runApprovedLine, runLine } from '../parts/cli';
import { shown } from '../parts/shown';
import { ParameterFields } from '../pipelines/parameter_form';
import { byLooks, readAll, textOf } from '../pipelines/parameter_values';
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

export function RerunButton({ store }: { store: RunStore }) {
  return (
    <ActButton label={t('rerun')} verb="create">
      {(close) => <RerunForm store={store} onDone={close} />}
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

function RerunForm({ store, onDone }: { store: RunStore; onDone: () => void }) {
  const run = store.run.value;
  const given = run?.parameters ?? {};
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
  return (
    <ActForm
      says={t('rerunSays')}
      submit={t('rerun')}
      blocked={Object.keys(errors).length > 0}
      command={runLine(place.value, run?.pipeline ?? '', { ...given, ...parameters })}
      act={async () => {
        const url = inNamespace(store.namespace, ['runs', store.name, 'rerun']);
        const { name } = await post<RunRow>(url, { parameters });
        go(href([store.namespace, 'runs', name]));
      }}
      onDone={onDone}
    >
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
  return (
    <ActButton
      primary
      label={t('approve')}
      title={t('approveTitle', { step: shown(step.name) })}
      verb="approve"
    >
      {(close) => <ApproveForm store={store} step={step} onDone={close} />}
    </ActButton>
  );
}

function ApproveForm({ store, step, onDone }: { store: RunStore; step: Step; onDone: () => void }) {
  const asked = step.approval?.values ?? [];
  const [approved, setApproved] = useState(true);
  const [comment, setComment] = useState('');
  const [texts, setTexts] = useState<Record<string, string>>({});
  const [lines, setLines] = useState('');
  const read = readAll(asked, texts);
  const values = { ...read.values, ...byLooks(lines) };
  const wrong = approved ? read.errors : {};
  const decision = {
    approved,
    ...(comment ? { comment } : {}),
    ...(approved && Object.keys(values).length > 0 ? { values } : {}),
  };
  return (
    <ActForm
      says={shown(step.message ?? '')}
      submit={approved ? t('approve') : t('reject')}
      danger={!approved}
      blocked={Object.keys(wrong).length > 0}
      command={
        place.value.local
          ? runApprovedLine(place.value, store.run.value?.pipeline ?? '', step.name, decision)
          : approveLine(place.value, store.name, step.name, decision)
      }
      act={async () => {
        const url = inNamespace(store.namespace, ['runs', store.name, 'approve']);
        await post(url, { step: step.name, ...decision });
        void store.again();
      }}
      onDone={onDone}
    >
      <fieldset>
        <legend>{t('verdict')}</legend>
        {[true, false].map((yes) => (
          <label key={String(yes)} class="check">
            <input
              type="radio"
              name="approved"
              checked={approved === yes}
              onChange={() => setApproved(yes)}
            />
            {yes ? t('approve') : t('reject')}
          </label>
        ))}
      </fieldset>
      {approved && asked.length > 0 && (
        <ParameterFields
          parameters={asked}
          texts={texts}
          errors={wrong}
          onText={(name, text) => setTexts({ ...texts, [name]: text })}
        />
      )}
      {approved && !step.approval && (
        <div class="field">
          <label for="approve-values">
            {t('values')} <span class="dim">name=value</span>
          </label>
          <textarea
            id="approve-values"
            rows={2}
            class="mono"
            value={lines}
            onInput={(e) => setLines(e.currentTarget.value)}
          />
        </div>
      )}
      <div class="field">
        <label for="approve-comment">{t('comment')}</label>
        <textarea
          id="approve-comment"
          rows={2}
          value={comment}
          onInput={(e) => setComment(e.currentTarget.value)}
        />
      </div>
    </ActForm>
  );
}
