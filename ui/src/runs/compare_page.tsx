// Runs side by side: what went in, what came out, and where they differ.
import { useEffect, useMemo, useState } from 'preact/hooks';

import { ApiError, get, inNamespace } from '../api/client';
import { useLive } from '../api/live';
import type { Run } from '../api/gateway';
import type { Artifact, Comparison, Metrics, Step, StepRow, Value } from '../api/types';
import { Chart, type Curve } from '../curves/chart';
import { ReportFrame } from '../data/report_frame';
import { compareLine } from '../parts/cli';
import { CommandLine, Digest, Loading, Name, Tabs, Trouble } from '../parts/pieces';
import { Phase } from '../parts/phase';
import { numberText, shown, valueText } from '../parts/shown';
import { place } from '../shell/me';
import { href, route } from '../shell/route';
import { t } from '../words/words';

const VIEWS = ['values', 'curves', 'reports'] as const;

export function ComparePage({ namespace }: { namespace: string }) {
  const query = route.value.query;
  const names = (query.get('runs') ?? '').split(',').filter(Boolean);
  const view = query.get('view') ?? 'values';
  // The contract has `runs` once for each: URLSearchParams of names alone cannot say that.
  const search = names.map((name) => `runs=${encodeURIComponent(name)}`).join('&');
  const url = names.length > 0 ? `${inNamespace(namespace, ['compare'])}?${search}` : '';
  const live = useLive<Comparison>(url, 10_000);
  const data = live.data.value;
  return (
    <section class="page scrolls">
      <header class="bar">
        <h1>{t('compare')}</h1>
        <Tabs
          name="view"
          label={t('compare')}
          open={view}
          tabs={VIEWS.map((id) => ({ id, label: t(id) }))}
        />
      </header>
      <Trouble error={live.error.value} retry={live.refresh} />
      {names.length === 0 && <p class="empty">{t('compareNone')}</p>}
      {names.length > 0 && !data && !live.error.value && <Loading />}
      {data && view === 'values' && <ValuesTable data={data} namespace={namespace} />}
      {data && view === 'curves' && <RunCurves data={data} namespace={namespace} />}
      {data && view === 'reports' && <Reports data={data} namespace={namespace} />}
      {names.length === 2 && <CommandLine text={compareLine(place.value, names)} />}
    </section>
  );
}

const text = (value: Value | undefined) =>
  typeof value === 'number' ? numberText(value) : valueText(value ?? undefined);

function ValuesTable({ data, namespace }: { data: Comparison; namespace: string }) {
  const [only, setOnly] = useState(true);
  const kept = <T extends { differs: boolean }>(rows: T[]) =>
    only && data.runs.length > 1 ? rows.filter((row) => row.differs) : rows;
  const width = data.runs.length + 1;
  const parameters = kept(data.parameters);
  const metrics = kept(data.metrics);
  const inputs = kept(data.inputs);
  const isEmpty = parameters.length + metrics.length + inputs.length === 0;
  return (
    <>
      <label class="check">
        <input type="checkbox" checked={only} onChange={(e) => setOnly(e.currentTarget.checked)} />
        {t('differencesOnly')}
      </label>
      <div class="wide" tabIndex={0} role="region" aria-label={t('compare')}>
        <table class="plain-table compare">
          <thead>
            <tr>
              <th>
                <span class="said">{t('name')}</span>
              </th>
              {data.runs.map((run) => (
                <th key={run.name} scope="col">
                  <a href={href([namespace, 'runs', run.name])}>
                    <Name text={run.name} />
                  </a>
                  <br />
                  <Phase phase={run.phase} />
                </th>
              ))}
            </tr>
          </thead>
          <Section title={t('parameters')} width={width}>
            {parameters.map((row) => (
              <tr key={row.name} class={row.differs ? 'differs' : ''}>
                <th scope="row" class="mono">
                  <Name text={row.name} />
                </th>
                {data.runs.map((run, n) => (
                  <td key={run.name} class="mono">
                    {text(row.values[n])}
                  </td>
                ))}
              </tr>
            ))}
          </Section>
          <Section title={t('metrics')} width={width}>
            {metrics.map((row) => (
              <Metric key={`${row.step}\n${row.name}`} row={row} runs={data.runs} />
            ))}
          </Section>
          <Section title={t('data')} width={width}>
            {inputs.map((row) => (
              <tr key={`${row.step}\n${row.name}`} class={row.differs ? 'differs' : ''}>
                <th scope="row">
                  <Name text={row.step} /> <span class="dim">{shown(row.name)}</span>
                </th>
                {data.runs.map((run, n) => (
                  <td key={run.name}>
                    <Read what={row.digests[n]} />
                  </td>
                ))}
              </tr>
            ))}
          </Section>
        </table>
        {isEmpty && (
          <p class="empty" role="status">
            {t(only && data.runs.length > 1 ? 'nothingDiffers' : 'none')}
          </p>
        )}
      </div>
    </>
  );
}

// An artifact by its digest; a file from outside by its fingerprint or its address.
function Read({ what }: { what: Value | undefined }) {
  if (typeof what !== 'string') return null;
  if (what.startsWith('sha256:')) return <Digest digest={what} />;
  return <span class="mono wrap">{shown(what)}</span>;
}

function Metric({ row, runs }: { row: Comparison['metrics'][number]; runs: Comparison['runs'] }) {
  return (
    <tr class={row.differs ? 'differs' : ''}>
      <th scope="row">
        <Name text={row.step} />{' '}
        <span class="mono">{shown(row.name)}</span>
      </th>
      {runs.map((run, n) => (
        <td key={run.name} class="number">
          {text(row.values[n])}
        </td>
      ))}
    </tr>
  );
}

interface SectionProps {
  title: string;
  width: number;
  children: preact.ComponentChild[];
}

function Section({ title, width, children }: SectionProps) {
  if (children.length === 0) return null;
  return (
    <tbody>
      <tr class="section">
        <th colSpan={width} scope="rowgroup">
          {title}
        </th>
      </tr>
      {children}
    </tbody>
  );
}

const stepsOf = (data: Comparison) => [
  ...new Set([...data.metrics, ...data.inputs].map((row) => row.step)),
];

// One chart a metric, one curve a run: of the steps that read something or have results.
function RunCurves({ data, namespace }: { data: Comparison; namespace: string }) {
  const steps = useMemo(() => stepsOf(data), [data]);
  const names = data.runs.map((run) => run.name);
  const [charts, setCharts] = useState<{ title: string; curves: Curve[] }[]>();
  const [error, setError] = useState<ApiError>();
  useEffect(() => {
    const aborter = new AbortController();
    load(namespace, names, steps, aborter.signal)
      .then(setCharts)
      .catch((thrown: unknown) => {
        if (!aborter.signal.aborted) setError(thrown as ApiError);
      });
    return () => aborter.abort();
  }, [namespace, names.join(), steps.join()]);
  if (error) return <Trouble error={error} />;
  if (!charts) return <Loading />;
  if (charts.length === 0) return <p class="dim">{t('metricsNone')}</p>;
  return (
    <div class="charts">
      {charts.map((chart) => (
        <Chart key={chart.title} title={chart.title} curves={chart.curves} />
      ))}
    </div>
  );
}

// A step may have curves that had a pod, or came from the cache and so from a run where it had.
const hasCurves = (row: StepRow) => row.cached || (row.attempts > 0 && !row.items && !row.run);

async function load(namespace: string, runs: string[], steps: string[], signal: AbortSignal) {
  const charts = new Map<string, Curve[]>();
  const one = async (run: string, step: string) => {
    const url = inNamespace(namespace, ['runs', run, 'steps', step, 'metrics']);
    const answer = await get<Metrics>(url, null, signal).catch(absent);
    for (const series of answer?.body.series ?? []) {
      const title = `${shown(step)} · ${shown(series.name)}`;
      if (!charts.has(title)) charts.set(title, []);
      charts.get(title)!.push({ label: shown(run), points: series.points });
    }
  };
  await Promise.all(
    runs.map(async (run) => {
      const answer = await get<Run>(inNamespace(namespace, ['runs', run]), null, signal);
      const rows = answer!.body.steps.filter((row) => steps.includes(row.name) && hasCurves(row));
      await Promise.all(rows.map((row) => one(run, row.name)));
    }),
  );
  const order = (a: Curve, b: Curve) => runs.indexOf(a.label) - runs.indexOf(b.label);
  return [...charts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([title, curves]) => ({ title, curves: curves.sort(order) }));
}

// The run that made what came from the cache may be gone: that is no curve, and no error.
function absent(error: unknown): undefined {
  if (error instanceof ApiError && error.status === 404) return undefined;
  throw error;
}

function Reports({ data, namespace }: { data: Comparison; namespace: string }) {
  const steps = useMemo(() => stepsOf(data), [data]);
  return (
    <div class="side-by-side">
      {data.runs.map((run) => (
        <section key={run.name}>
          <h2>
            <Name text={run.name} />
          </h2>
          <RunReports namespace={namespace} run={run.name} steps={steps} />
        </section>
      ))}
    </div>
  );
}

function RunReports(props: { namespace: string; run: string; steps: string[] }) {
  const { namespace, run, steps } = props;
  const live = useLive<Run>(inNamespace(namespace, ['runs', run]), 0);
  const rows = live.data.value?.steps.filter(
    (row) => row.phase === 'Succeeded' && steps.includes(row.name),
  );
  return (
    <>
      <Trouble error={live.error.value} />
      {rows?.map((row) => (
        <StepReports key={row.name} namespace={namespace} run={run} step={row.name} />
      ))}
    </>
  );
}

function StepReports(props: { namespace: string; run: string; step: string }) {
  const { namespace, run, step } = props;
  const live = useLive<Step>(inNamespace(namespace, ['runs', run, 'steps', step]), 0);
  const uses = live.data.value?.outputs.filter((use) => use.type === 'report' && use.digest);
  return (
    <>
      {uses?.map((use) => (
        <OneReport key={use.name} namespace={namespace} digest={use.digest!} title={step} />
      ))}
    </>
  );
}

function OneReport(props: { namespace: string; digest: string; title: string }) {
  const { namespace, digest, title } = props;
  const live = useLive<Artifact>(inNamespace(namespace, ['artifacts', digest]), 0);
  const path = live.data.value?.report;
  if (path === undefined) return <Trouble error={live.error.value} />;
  return <ReportFrame namespace={namespace} digest={digest} path={path} title={title} />;
}
