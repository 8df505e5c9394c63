// The pipelines of a namespace, and what one can start: a run now, or one for each day of a span.
import { useState } from 'preact/hooks';

import { inNamespace, post } from '../api/client';
import { useLive } from '../api/live';
import type { List, Pipeline, PipelineRow, RunRow } from '../api/types';
import { ActButton, ActForm } from '../parts/act';
import { runLine } from '../parts/cli';
import { At, Fact, Facts, Loading, Name, Trouble } from '../parts/pieces';
import { Phase } from '../parts/phase';
import { shown } from '../parts/shown';
import { Table, type Column } from '../parts/table';
import { place } from '../shell/me';
import { go, href } from '../shell/route';
import { t } from '../words/words';
import { Backfill } from './backfill';
import { ParameterFields } from './parameter_form';
import { readAll, textOf } from './parameter_values';

export function PipelinesPage({ namespace }: { namespace: string }) {
  const live = useLive<List<PipelineRow>>(inNamespace(namespace, ['pipelines'], { limit: 500 }), 5000);
  const open = (pipeline: PipelineRow) => href([namespace, 'pipelines', pipeline.name]);
  const columns: Column<PipelineRow>[] = [
    {
      key: 'name',
      label: t('pipeline'),
      width: 'minmax(120px, 1.2fr)',
      cell: (pipeline) => (
        <a href={open(pipeline)}>
          <Name text={pipeline.name} />
        </a>
      ),
    },
    {
      key: 'phase',
      label: t('last'),
      width: '124px',
      cell: (pipeline) => pipeline.lastRun && <Phase phase={pipeline.lastRun.phase} />,
    },
    {
      key: 'reason',
      label: t('run'),
      width: 'minmax(120px, 1.2fr)',
      cell: (pipeline) =>
        pipeline.lastRun && (
          <a href={href([namespace, 'runs', pipeline.lastRun.name])}>
            <Name text={pipeline.lastRun.name} />
          </a>
        ),
    },
    {
      key: 'finished',
      label: t('finished'),
      width: '124px',
      class: 'number',
      cell: (pipeline) => <At time={pipeline.lastRun?.finished} />,
    },
    {
      key: 'schedule',
      label: t('schedule'),
      width: 'minmax(90px, 1fr)',
      cell: (pipeline) => (
        <span class="mono">
          {scheduleText(pipeline)}
          {pipeline.suspended && <span class="chip">{t('suspended')}</span>}
        </span>
      ),
    },
    {
      key: 'runs',
      label: t('runs'),
      width: '72px',
      cell: (pipeline) => (
        <a href={href([namespace, 'runs'], { pipeline: pipeline.name })}>{t('runs')}</a>
      ),
    },
  ];
  return (
    <section class="page">
      <header class="bar">
        <h1>{t('pipelines')}</h1>
      </header>
      <Trouble error={live.error.value} retry={live.refresh} />
      <Table
        class="pipelines"
        label={t('pipelines')}
        rows={live.data.value?.items ?? []}
        id={(pipeline) => pipeline.name}
        columns={columns}
        onOpen={(pipeline) => go(open(pipeline))}
        empty={live.data.value ? t('pipelinesNone') : t('loading')}
      />
    </section>
  );
}

export function PipelinePage({ namespace, name }: { namespace: string; name: string }) {
  const live = useLive<Pipeline>(inNamespace(namespace, ['pipelines', name]), 5000);
  const pipeline = live.data.value;
  return (
    <section class="page scrolls">
      <header class="bar">
        <h1>
          <a href={href([namespace, 'pipelines'])}>{t('pipelines')}</a> <span class="dim">/</span>{' '}
          <Name text={name} />
        </h1>
        {pipeline?.suspended && <span class="chip">{t('suspended')}</span>}
        <span class="grow" />
        <a class="button" href={href([namespace, 'runs'], { pipeline: name })}>
          {t('runs')}
        </a>
        <a class="button" href={href([namespace, 'grid'], { pipeline: name })}>
          {t('grid')}
        </a>
        {pipeline && <RunButton namespace={namespace} pipeline={pipeline} />}
      </header>
      <Trouble error={live.error.value} retry={live.refresh} />
      {!pipeline && !live.error.value && <Loading />}
      {pipeline && (
        <>
          <Facts>
            <Fact word="schedule">
              {pipeline.schedules.length ? <span class="mono">{scheduleText(pipeline)}</span> : ''}
            </Fact>
            <Fact word="next">{pipeline.nextRun && <At time={pipeline.nextRun} />}</Fact>
            <Fact word="last">
              {pipeline.lastRun && (
                <a href={href([namespace, 'runs', pipeline.lastRun.name])}>
                  <Name text={pipeline.lastRun.name} /> <Phase phase={pipeline.lastRun.phase} />
                </a>
              )}
            </Fact>
          </Facts>
          {pipeline.ready === 'False' && (
            <p class="trouble" role="status">
              {shown(pipeline.message ?? '')}
            </p>
          )}
          {pipeline.description && <p>{shown(pipeline.description)}</p>}
          <Parameters pipeline={pipeline} />
          {!place.value.local && <Backfill namespace={namespace} pipeline={pipeline} />}
        </>
      )}
    </section>
  );
}

const scheduleText = (pipeline: PipelineRow) =>
  pipeline.schedules
    .map((one) => shown([one.cron, one.timeZone].filter(Boolean).join(' ')))
    .join(', ');

function Parameters({ pipeline }: { pipeline: Pipeline }) {
  const { parameters } = pipeline;
  if (parameters.length === 0) return null;
  return (
    <section>
      <h2>{t('parameters')}</h2>
      <table class="plain-table">
        <thead>
          <tr>
            <th>{t('name')}</th>
            <th>{t('type')}</th>
            <th>{t('value')}</th>
            <th>{t('description')}</th>
          </tr>
        </thead>
        <tbody>
          {parameters.map((parameter) => (
            <tr key={parameter.name}>
              <th scope="row" class="mono">
                <Name text={parameter.name} />
              </th>
              <td>{parameter.type}</td>
              <td class="mono">
                {parameter.default === undefined ? '' : shown(textOf(parameter.default))}
              </td>
              <td>{shown(parameter.description ?? '')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function RunButton({ namespace, pipeline }: { namespace: string; pipeline: Pipeline }) {
  return (
    <ActButton
      primary
      label={t('runVerb')}
      title={t('runPipeline', { pipeline: shown(pipeline.name) })}
      verb="create"
    >
      {(close) => <RunForm namespace={namespace} pipeline={pipeline} onDone={close} />}
    </ActButton>
  );
}

interface FormProps {
  namespace: string;
  pipeline: Pipeline;
  onDone: () => void;
}

function RunForm({ namespace, pipeline, onDone }: FormProps) {
  const declared = pipeline.parameters;
  const [texts, setTexts] = useState<Record<string, string>>({});
  const [touched, setTouched] = useState<Record<string, boolean>>({});
  const { values, errors } = readAll(declared, texts);
  // What is required says so once its field was written in, or the form was sent.
  const said = Object.fromEntries(
    Object.entries(errors).filter(([name]) => touched[name] || texts[name]),
  );
  return (
    <ActForm
      submit={t('submit')}
      blocked={Object.keys(errors).length > 0}
      command={runLine(place.value, pipeline.name, values)}
      act={async () => {
        const run = await post<RunRow>(inNamespace(namespace, ['runs']), {
          pipeline: pipeline.name,
          parameters: values,
        });
        go(href([namespace, 'runs', run.name]));
      }}
      onDone={onDone}
    >
      <ParameterFields
        parameters={declared}
        texts={texts}
        errors={said}
        onText={(name, text) => {
          setTexts({ ...texts, [name]: text });
          setTouched({ ...touched, [name]: true });
        }}
      />
    </ActForm>
  );
}
