// One step: why it is as it is, what it did, what it read and wrote, and what it said.
import { useEffect } from 'preact/hooks';

import { inNamespace } from '../api/client';
import { useLive } from '../api/live';
import type { Attempt, Step, StepEvent, StepRow, Use, Value } from '../api/types';
import { StepCurves } from '../curves/step_curves';
import { LogView } from '../log/log_view';
import { line, logsLine } from '../parts/cli';
import { At, CommandLine, Digest, Fact, Facts, Name, Tabs, Trouble, Values } from '../parts/pieces';
import { isFinal, Phase } from '../parts/phase';
import { bytes, shown, valueText } from '../parts/shown';
import { between, duration, now } from '../parts/time';
import { place } from '../shell/me';
import { go, here, href, route } from '../shell/route';
import { t, type Word } from '../words/words';
import { ApproveButton, RerunButton } from './actions';
import { phasesOf } from './timeline_phases';
import type { RunStore } from './run_store';

interface Props {
  store: RunStore;
  name: string;
}

export function StepPanel({ store, name }: Props) {
  const { namespace } = store;
  const query = route.value.query;
  const row = store.version.value >= 0 ? store.steps.get(name) : undefined;
  const url = inNamespace(namespace, ['runs', store.name, 'steps', name]);
  const every = () => (isFinal(store.steps.get(name)?.phase ?? '') ? 30_000 : 3000);
  const live = useLive<Step>(url, every);
  const step = live.data.value;
  const open = query.get('tab') ?? 'why';

  // The stream told of another phase: what the row does not have is asked at once.
  useEffect(() => {
    if (step) live.refresh();
  }, [row?.phase, row?.attempt]);

  useEffect(() => {
    const close = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.key !== 'Escape' || target.closest('dialog')) return;
      go(here({ step: undefined, tab: undefined, item: undefined, attempt: undefined }));
    };
    document.addEventListener('keydown', close);
    return () => document.removeEventListener('keydown', close);
  }, []);

  const phase = row?.phase ?? step?.phase ?? '';
  return (
    <aside class="panel" aria-label={`${t('step')} ${name}`}>
      <header>
        <h2>
          <Name text={name} />
        </h2>
        <Phase phase={phase} cached={row?.cached ?? step?.cached} />
        <span class="grow" />
        <a
          class="button plain"
          href={here({ step: undefined, tab: undefined, item: undefined, attempt: undefined })}
          aria-label={t('close')}
        >
          ✕
        </a>
      </header>
      <Tabs
        name="tab"
        label={t('step')}
        open={open}
        tabs={(['why', 'log', 'data', 'curves', 'events'] as const).map((id) => ({
          id,
          label: t(id),
        }))}
      />
      <Trouble error={live.error.value} retry={live.refresh} />
      <div class={`panel-body ${open === 'log' ? 'fixed' : ''}`} tabIndex={open === 'log' ? -1 : 0}>
        {open === 'log' && row && <Log store={store} row={row} attempts={step?.attempts ?? []} />}
        {step && open === 'why' && <Why store={store} step={step} />}
        {step && open === 'data' && <Data step={step} />}
        {open === 'curves' && row && <Curves store={store} row={row} />}
        {step && open === 'events' && <Events events={step.events} />}
      </div>
    </aside>
  );
}

// Reasons of a step that waits for people: for the first of them, for another decision than those
// that there are, for a right to decide.
const WAITS = ['AwaitingApproval', 'ApprovalRefused', 'ApprovalUnbound'];

function Why({ store, step }: { store: RunStore; step: Step }) {
  // The sentence begins with the reason, which stands before it.
  const begins = step.reason && step.why?.startsWith(step.reason);
  const why = begins ? step.message : step.why;
  const parts = phasesOf(step.times);
  return (
    <>
      {(why || step.reason) && (
        <p class={`why tone-edge-${step.phase}`}>
          {step.reason && <span class="mono reason-word">{shown(step.reason)}</span>}{' '}
          {shown(why ?? '')}
        </p>
      )}
      {WAITS.includes(step.reason ?? '') && !isFinal(step.phase) && (
        <p class="ask">
          {t('needDecision')} <ApproveButton store={store} step={step} />
        </p>
      )}
      {step.cachedFrom && (
        <p>
          <a href={href([store.namespace, 'runs', step.cachedFrom], { step: step.name })}>
            {t('cachedFrom', { run: shown(step.cachedFrom) })}
          </a>
        </p>
      )}
      {step.run && (
        <p>
          {t('run')}{' '}
          <a href={href([store.namespace, 'runs', step.run])}>
            <Name text={step.run} />
          </a>
        </p>
      )}
      <Progress step={step} />
      <Facts>
        <Fact word="component">
          {step.component && `${shown(step.component)}${step.version ? ` ${step.version}` : ''}`}
        </Fact>
        <Fact word="when">{step.when && <span class="mono">{shown(step.when)}</span>}</Fact>
        <Fact word="started">{step.times.started && <At time={step.times.started} />}</Fact>
        <Fact word="finished">{step.times.finished && <At time={step.times.finished} />}</Fact>
        <Fact word="duration">
          {between(step.times.queued ?? step.times.started, step.times.finished, now.value)}
        </Fact>
        {parts.length > 1 &&
          parts.map((part) => (
            <Fact key={part.kind} word={part.kind}>
              {duration((part.to ?? now.value) - part.from)}
            </Fact>
          ))}
      </Facts>
      {step.command && step.command.length > 0 && (
        <section>
          <h3>{t('command')}</h3>
          <CommandLine text={line(step.command)} label={t('command')} />
        </section>
      )}
      <Named word="parameters" values={step.parameters} />
      <Named word="results" values={step.results} />
      <Attempts attempts={step.attempts} />
      <Cache step={step} />
      <Named word="resources" values={step.resources} />
      {isFinal(store.run.value?.phase ?? '') && <RerunButton store={store} step={step.name} />}
    </>
  );
}

function Named({ word, values }: { word: Word; values: Record<string, Value> | undefined }) {
  if (!values || Object.keys(values).length === 0) return null;
  return (
    <section>
      <h3>{t(word)}</h3>
      <Values values={values} />
    </section>
  );
}

function Progress({ step }: { step: Step }) {
  const progress = step.progress;
  if (!progress?.total || isFinal(step.phase)) return null;
  const { done, total, left } = progress;
  return (
    <p class="progress">
      <progress max={total} value={done} aria-label={t('progress')} />
      <span class="number">
        {done}/{total} {left && t('left', { time: left })}
      </span>
    </p>
  );
}

function Attempts({ attempts }: { attempts: Attempt[] }) {
  if (attempts.length === 0) return null;
  return (
    <section>
      <h3>{t('attempts')}</h3>
      <ol class="attempts">
        {attempts.map((attempt) => (
          <li key={attempt.attempt}>
            <p>
              <a href={here({ tab: 'log', attempt: attempt.attempt })}>
                {t('attempt')} {attempt.attempt}
              </a>{' '}
              <Phase phase={attempt.phase ?? ''} />{' '}
              <span class="mono">{shown(attempt.reason ?? '')}</span>
              {attempt.exitCode !== undefined && (
                <span class="dim">
                  {' '}
                  {t('exitCode')} {attempt.exitCode}
                </span>
              )}{' '}
              {(attempt.finished || !isFinal(attempt.phase ?? '')) && (
                <span class="dim">{between(attempt.started, attempt.finished, now.value)}</span>
              )}
            </p>
            {attempt.pod && (
              <p class="dim mono">
                {shown(attempt.pod)} {attempt.node && `@ ${shown(attempt.node)}`}
              </p>
            )}
            {attempt.message && <p class="dim wrap">{shown(attempt.message)}</p>}
            {attempt.lastWords && (
              <pre tabIndex={0} aria-label={t('lastWords')}>
                {shown(attempt.lastWords)}
              </pre>
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}

function Cache({ step }: { step: Step }) {
  if (!step.cacheKey && !step.cacheMiss) return null;
  return (
    <section>
      <h3>{t('cache')}</h3>
      <Facts>
        <Fact word="cacheMiss">{step.cacheMiss && shown(step.cacheMiss)}</Fact>
        <Fact word="cacheKey">
          {step.cacheKey && <span class="mono wrap">{step.cacheKey}</span>}
        </Fact>
      </Facts>
    </section>
  );
}

export function Uses({ uses, word }: { uses: Use[]; word: 'inputs' | 'outputs' }) {
  if (uses.length === 0) return null;
  return (
    <section>
      <h3>{t(word)}</h3>
      <table class="plain-table">
        <thead>
          <tr>
            <th>{t('name')}</th>
            <th>{t('type')}</th>
            <th>{t('digest')}</th>
            <th class="number">{t('bytes')}</th>
          </tr>
        </thead>
        <tbody>
          {uses.map((use) => (
            <tr key={use.name}>
              <td>
                <Name text={use.name} />
                {use.fromStep && (
                  <a class="dim" href={here({ step: use.fromStep })}>
                    {' '}
                    ← <Name text={use.fromStep} />
                  </a>
                )}
              </td>
              <td>{shown(use.type ?? '')}</td>
              <td>
                {use.digest && <Digest digest={use.digest} />}
                {use.uri && <div class="mono dim wrap">{shown(use.uri)}</div>}
                {use.fingerprint && <div class="mono dim wrap">{shown(use.fingerprint)}</div>}
              </td>
              <td class="number">{bytes(use.bytes)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Data({ step }: { step: Step }) {
  return (
    <>
      <Uses uses={step.inputs} word="inputs" />
      <Uses uses={step.outputs} word="outputs" />
      {!step.inputs.length && !step.outputs.length && <p class="dim">{t('none')}</p>}
    </>
  );
}

function Events({ events }: { events: StepEvent[] }) {
  if (events.length === 0) return <p class="dim">{t('none')}</p>;
  return (
    <ol class="events">
      {events.map((event, n) => (
        <li key={n} class={event.type === 'Warning' ? 'warning' : ''}>
          <At time={event.time} /> <span class="mono">{shown(event.reason)}</span>{' '}
          {shown(event.message ?? '')}
          {event.count > 1 && <span class="dim"> ×{event.count}</span>}
        </li>
      ))}
    </ol>
  );
}

// Of a step that had no pod of its own there is neither log nor curve, and nothing is asked.
function whyNone(row: StepRow): string | undefined {
  if (row.run) return t('ofItsRun', { run: shown(row.run) });
  if (row.cached) return t('cachedFrom', { run: shown(row.cachedFrom ?? '') });
  return row.attempts > 0 || row.items ? undefined : t('noPod');
}

// Which of a step's pods is looked at: of a loop the first item's, until another is chosen.
function chosen(row: StepRow) {
  const { query } = route.value;
  const item = query.get('item') ?? (row.items ? '0' : undefined);
  return { item, attempt: query.get('attempt') ?? undefined };
}

function Curves({ store, row }: { store: RunStore; row: StepRow }) {
  const none = whyNone(row);
  if (none) return <p class="dim">{none}</p>;
  return (
    <>
      {row.items && (
        <div class="bar">
          <ItemField row={row} />
        </div>
      )}
      <StepCurves
        namespace={store.namespace}
        run={store.name}
        step={row.name}
        moving={!isFinal(row.phase)}
        {...chosen(row)}
      />
    </>
  );
}

// Which item of a loop is looked at.
function ItemField({ row }: { row: StepRow }) {
  const total = row.items?.total ?? 0;
  return (
    <label>
      {t('item')}{' '}
      <input
        type="number"
        min={0}
        max={total - 1}
        value={chosen(row).item}
        onChange={(e) => go(here({ item: e.currentTarget.value }), true)}
      />{' '}
      <span class="dim">/ {valueText(total)}</span>
    </label>
  );
}

interface LogProps {
  store: RunStore;
  row: StepRow;
  attempts: Attempt[];
}

function Log({ store, row, attempts }: LogProps) {
  const items = row.items?.total ?? 0;
  const { item, attempt } = chosen(row);
  const none = whyNone(row);
  if (none) return <p class="dim">{none}</p>;
  return (
    <>
      {(attempts.length > 1 || items > 0) && (
        <div class="bar">
          {items > 0 && <ItemField row={row} />}
          {attempts.length > 1 && (
            <label>
              {t('attempt')}{' '}
              <select
                value={attempt ?? String(attempts.at(-1)?.attempt)}
                onChange={(e) => go(here({ attempt: e.currentTarget.value }), true)}
              >
                {attempts.map((a) => (
                  <option key={a.attempt} value={a.attempt}>
                    {a.attempt} {a.reason ?? ''}
                  </option>
                ))}
              </select>
            </label>
          )}
        </div>
      )}
      <LogView
        place={{ namespace: store.namespace, run: store.name, step: row.name, attempt, item }}
      />
      <CommandLine text={logsLine(place.value, store.name, row.name, item)} />
    </>
  );
}
