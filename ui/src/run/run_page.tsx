// One run: what became of it and why, its graph beside its steps, its times, what it was made of.
import { useEffect } from 'preact/hooks';

import type { Condition, Run } from '../api/types';
import {
  At,
  CommandLine,
  Copy,
  Fact,
  Facts,
  Loading,
  Name,
  Tabs,
  Trouble,
  Values,
} from '../parts/pieces';
import { isFinal, Phase } from '../parts/phase';
import { Reason } from '../parts/reason';
import { shown } from '../parts/shown';
import { Counts, Duration, SearchBox } from '../runs/runs_page';
import { href, route } from '../shell/route';
import { t } from '../words/words';
import { CancelButton, RerunButton } from './actions';
import { RunGraph } from './run_graph';
import { count, useRun, type RunStore } from './run_store';
import { StepPanel, Uses } from './step_panel';
import { StepTable } from './step_table';
import { Timeline } from './timeline';

const VIEWS = ['graph', 'steps', 'timeline', 'details'] as const;

export function RunPage({ namespace, name }: { namespace: string; name: string }) {
  const store = useRun(namespace, name);
  const run = store.run.value;
  const query = route.value.query;
  const view = query.get('view') ?? 'graph';
  const step = query.get('step') ?? undefined;
  return (
    <section class={step ? 'page run with-panel' : 'page run'}>
      <div class="run-main">
        <Trouble error={store.error.value} retry={() => void store.again()} />
        {run ? <Head store={store} run={run} /> : !store.error.value && <Loading />}
        {run && (
          <>
            <div class="bar">
              <Tabs
                name="view"
                label={t('run')}
                open={view}
                tabs={VIEWS.map((id) => ({ id, label: t(id) }))}
              />
              {view !== 'details' && (
                <SearchBox value={query.get('find') ?? ''} label={t('searchSteps')} name="find" />
              )}
            </div>
            {view === 'graph' && (
              <div class="graph-and-table">
                <StepTable store={store} narrow />
                <RunGraph store={store} />
              </div>
            )}
            {view === 'steps' && <StepTable store={store} narrow={false} />}
            {view === 'timeline' && <Timeline store={store} />}
            {view === 'details' && <Details run={run} />}
          </>
        )}
      </div>
      {run && step && <StepPanel key={step} store={store} name={step} />}
    </section>
  );
}

function Head({ store, run }: { store: RunStore; run: Run }) {
  useEffect(() => {
    document.title = `${shown(run.name)} · Penstock`;
  }, [run.name]);
  return (
    <header class="run-head">
      <div class="bar">
        <h1>
          <a href={href([run.namespace, 'runs'])}>{t('runs')}</a> <span class="dim">/</span>{' '}
          <Name text={run.name} />
        </h1>
        <Phase phase={run.phase} />
        {run.archived && <span class="chip">{t('archived')}</span>}
        <LiveCounts store={store} run={run} />
        <span class="grow" />
        <RerunButton store={store} />
        {!isFinal(run.phase) && <CancelButton store={store} />}
      </div>
      <p class="why-run">
        <Reason row={run} whole />
      </p>
      <p class="facts-line">
        {run.pipeline && (
          <span>
            {t('pipeline')}{' '}
            <a href={href([run.namespace, 'pipelines', run.pipeline])}>
              <Name text={run.pipeline} />
            </a>
          </span>
        )}
        <span>
          {t('started')} <At time={run.started ?? run.created} />
        </span>
        <span>
          {t('duration')} <Duration row={run} />
        </span>
        {run.cause && (
          <span>
            {t('cause')} {shown(run.cause)}
          </span>
        )}
        {run.user && (
          <span>
            {t('user')} <Name text={run.user} />
          </span>
        )}
      </p>
    </header>
  );
}

function LiveCounts({ store, run }: { store: RunStore; run: Run }) {
  const counts = store.version.value >= 0 ? count(store.steps.values()) : undefined;
  return <Counts counts={counts} phase={run.phase} />;
}

function Details({ run }: { run: Run }) {
  const parameters = Object.keys(run.parameters).length > 0;
  const labels = Object.keys(run.labels).length > 0;
  return (
    <div class="details" tabIndex={0} role="region" aria-label={t('details')}>
      <CommandLine text={run.command} />
      {parameters && (
        <section>
          <h2>{t('parameters')}</h2>
          <Values values={run.parameters} />
        </section>
      )}
      <Uses uses={run.outputs} word="outputs" />
      {Object.keys(run.results).length > 0 && (
        <section>
          <h2>{t('results')}</h2>
          <Values values={run.results} />
        </section>
      )}
      <Conditions conditions={run.conditions} />
      {labels && (
        <section>
          <h2>{t('labels')}</h2>
          <Values values={run.labels} />
        </section>
      )}
      <section>
        <h2>{t('run')}</h2>
        <Facts>
          <Fact word="created">
            <At time={run.created} />
          </Fact>
          <Fact word="finished">{run.finished && <At time={run.finished} />}</Fact>
          <Fact word="namespace">{run.namespace}</Fact>
          <Fact word="parent">
            {run.parent && (
              <a href={href([run.namespace, 'runs', run.parent])}>
                <Name text={run.parent} />
              </a>
            )}
          </Fact>
        </Facts>
      </section>
      {run.spec && (
        <section>
          <h2>
            {t('spec')} <Copy text={run.spec} label={`${t('copy')}: ${t('spec')}`} />
          </h2>
          <pre tabIndex={0} aria-label={t('spec')}>
            {shown(run.spec)}
          </pre>
        </section>
      )}
    </div>
  );
}

export function Conditions({ conditions }: { conditions: Condition[] }) {
  if (conditions.length === 0) return null;
  return (
    <section>
      <h2>{t('conditions')}</h2>
      <table class="plain-table">
        <thead>
          <tr>
            <th>{t('type')}</th>
            <th>{t('value')}</th>
            <th>{t('reason')}</th>
            <th>{t('message')}</th>
          </tr>
        </thead>
        <tbody>
          {conditions.map((c) => (
            <tr key={c.type}>
              <td>{c.type}</td>
              <td>{c.status}</td>
              <td class="mono">{c.reason}</td>
              <td>{shown(c.message)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
