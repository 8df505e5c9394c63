// One step: why it is as it is, what it did, what it read and wrote, and what it said.
import { useEffect } from 'preact/hooks';

import { inNamespace } from '../api/client';
import { useLive } from '../api/live';
import type { Attempt, Step, StepEvent, Use } from '../api/types';
import { StepCurves } from '../curves/step_curves';
import { LogView } from '../log/log_view';
import { line, logsLine } from '../parts/cli';
import { At, CommandLine, Digest, Fact, Facts, Name, Tabs, Trouble, Values } from '../parts/pieces';
import { isFinal, Phase } from '../parts/phase';
import { bytes, shown, valueText } from '../parts/shown';
import { between, duration, now } from '../parts/time';
import { place } from '../shell/me';
import { go, here, href, route } from '../shell/route';
import { t } from '../words/words';
import { ApproveButton } from './actions';
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
        {open === 'log' && <Log store={store} step={step} name={name} />}
        {step && open === 'why' && <Why store={store} step={step} />}
        {step && open === 'data' && <Data step={step} />}
        {open === 'curves' && (
          <StepCurves namespace={namespace} run={store.name} step={name} moving={!isFinal(phase)} />
        )}
        {step && open === 'events' && <Events events={step.events ?? []} />}
      </div>
    </aside>
  );
}

function Why({ store, step }: { store: RunStore; step: Step }) {
  const why = step.why ?? step.message;
  const parts = phasesOf(step.times);
  return (
    <>
      {(why || step.reason) && (
        <p class={`why tone-edge-${step.phase}`}>
          {step.reason && <span class="mono reason-word">{shown(step.reason)}</span>}{' '}
          {shown(why ?? '')}
        </p>
      )}
      {step.reason === 'AwaitingApproval' && (
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
        <Fact word="started">{step.times?.started && <At time={step.times.started} />}</Fact>
        <Fact word="finished">{step.times?.finished && <At time={step.times.finished} />}</Fact>
        <Fact word="duration">
          {between(step.times?.queued ?? step.times?.started, step.times?.finished, now.value)}
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
      {step.results && Object.keys(step.results).length > 0 && (
        <section>
          <h3>{t('results')}</h3>
          <Values values={step.results} />
        </section>
      )}
      <Attempts attempts={step.attempts ?? []} />
      <Cache step={step} />
      {step.resources && (
        <section>
          <h3>{t('resources')}</h3>
          <Values values={step.resources} />
        </section>
      )}
    </>
  );
}

function Progress({ step }: { step: Step }) {
  const progress = step.progress;
  if (!progress?.total || isFinal(step.phase)) return null;
  const { done = 0, total, left } = progress;
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
              <span class="dim">{between(attempt.started, attempt.finished, now.value)}</span>
            </p>
            {attempt.pod && (
              <p class="dim mono">
                {shown(attempt.pod)} {attempt.node && `@ ${shown(attempt.node)}`}
              </p>
            )}
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

function Uses({ uses, word }: { uses: Use[] | undefined; word: 'inputs' | 'outputs' }) {
  if (!uses || uses.length === 0) return null;
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
      {!step.inputs?.length && !step.outputs?.length && <p class="dim">{t('none')}</p>}
    </>
  );
}

function Events({ events }: { events: StepEvent[] }) {
  if (events.length === 0) return <p class="dim">{t('none')}</p>;
  return (
    <ol class="events">
      {events.map((event, n) => (
        <li key={n} class={event.type === 'Warning' ? 'warning' : ''}>
          <At time={event.time} /> <span class="mono">{shown(event.reason ?? '')}</span>{' '}
          {shown(event.message ?? '')}
          {(event.count ?? 1) > 1 && <span class="dim"> ×{event.count}</span>}
        </li>
      ))}
    </ol>
  );
}

function Log({ store, step, name }: { store: RunStore; step: Step | undefined; name: string }) {
  const query = route.value.query;
  const attempts = step?.attempts ?? [];
  const items = step?.items?.total ?? 0;
  const item = query.get('item') ?? (items > 0 ? '0' : undefined);
  const attempt = query.get('attempt') ?? undefined;
  return (
    <>
      {(attempts.length > 1 || items > 0) && (
        <div class="bar">
          {items > 0 && (
            <label>
              {t('item')}{' '}
              <input
                type="number"
                min={0}
                max={items - 1}
                value={item}
                onChange={(e) => go(here({ item: e.currentTarget.value }), true)}
              />{' '}
              <span class="dim">/ {valueText(items)}</span>
            </label>
          )}
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
      <LogView place={{ namespace: store.namespace, run: store.name, step: name, attempt, item }} />
      <CommandLine text={logsLine(place.value, store.name, name, item)} />
    </>
  );
}
