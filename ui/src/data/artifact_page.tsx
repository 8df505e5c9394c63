// One artifact: its columns, what is in them, some rows, its report, and where it comes from.
import { inNamespace } from '../api/client';
import { useLive } from '../api/live';
import type { Artifact, ColumnStatistics, SchemaColumn, Statistics, Value } from '../api/types';
import { Download } from '../parts/download';
import { Copy, Fact, Facts, Loading, Name, Trouble, Values } from '../parts/pieces';
import { bytes, numberText, shortDigest, shown, valueText } from '../parts/shown';
import { href } from '../shell/route';
import { t } from '../words/words';
import { contentUrl, ReportFrame } from './report_frame';

export function ArtifactPage({ namespace, digest }: { namespace: string; digest: string }) {
  const live = useLive<Artifact>(inNamespace(namespace, ['artifacts', digest]), 0);
  const artifact = live.data.value;
  return (
    <section class="page scrolls">
      <header class="bar">
        <h1>
          {t('artifact')} <span class="mono">{shortDigest(digest)}</span>
        </h1>
        {artifact?.type && <span class="chip">{shown(artifact.type)}</span>}
        <span class="grow" />
        <a class="button" href={href([namespace, 'lineage'], { artifact: digest })}>
          {t('lineage')}
        </a>
      </header>
      <Trouble error={live.error.value} retry={live.refresh} />
      {!artifact && !live.error.value && <Loading />}
      {artifact && <Body namespace={namespace} artifact={artifact} />}
    </section>
  );
}

// A file that should hold columns, and may hold anything.
function columned<T>(file: Value | undefined): T | undefined {
  const is = file && typeof file === 'object' && 'columns' in file && Array.isArray(file.columns);
  return is ? (file as T) : undefined;
}

function Body({ namespace, artifact }: { namespace: string; artifact: Artifact }) {
  const { producer, digest, metrics, sample } = artifact;
  const statistics = columned<Statistics>(artifact.statistics);
  const schema = columned<{ columns: SchemaColumn[]; rows?: Value }>(artifact.schema);
  const rows = statistics?.rows ?? schema?.rows;
  return (
    <>
      <Facts>
        <Fact word="digest">
          <span class="mono wrap">{digest}</span> <Copy text={digest} label={t('copy')} />
        </Fact>
        <Fact word="bytes">{bytes(artifact.bytes)}</Fact>
        <Fact word="rows">{typeof rows === 'number' && numberText(rows)}</Fact>
        <Fact word="producer">
          {producer && (
            <a href={href([namespace, 'runs', producer.run], { step: producer.step })}>
              <Name
                text={[producer.run, producer.step, producer.output].filter(Boolean).join(' / ')}
              />
            </a>
          )}
        </Fact>
      </Facts>
      {(schema || statistics) && (
        <Columns
          schema={schema?.columns ?? []}
          statistics={statistics?.columns ?? []}
          label={statistics?.label}
        />
      )}
      {metrics && typeof metrics === 'object' && !Array.isArray(metrics) && (
        <section>
          <h2>{t('metrics')}</h2>
          <Values values={metrics} />
        </section>
      )}
      {statistics?.sample && statistics.sample.length > 0 && (
        <Sample names={statistics.columns.map((c) => c.name)} rows={statistics.sample} />
      )}
      {sample && (
        <Sample
          names={sample.columns}
          more={sample.moreColumns}
          rows={sample.rows}
          places={sample.places}
          cut={sample.cut}
        />
      )}
      {artifact.report !== undefined && (
        <section>
          <h2>{t('report')}</h2>
          <ReportFrame
            namespace={namespace}
            digest={digest}
            path={artifact.report}
            title={producer?.step ?? shortDigest(digest)}
          />
        </section>
      )}
      <Files namespace={namespace} artifact={artifact} />
    </>
  );
}

interface ColumnsProps {
  schema: SchemaColumn[];
  statistics: ColumnStatistics[];
  label: string | undefined;
}

// Schema and statistics are of the same columns, so they are one table; what neither of them says
// of any column is no column of it.
function Columns({ schema, statistics, label }: ColumnsProps) {
  const byName = new Map(statistics.map((column) => [column.name, column]));
  const names = [...new Set([...schema, ...statistics].map((column) => column.name))];
  const typed = new Map(schema.map((column) => [column.name, column]));
  const isCounted = statistics.length > 0;
  const roleOf = (name: string) => valueText(typed.get(name)?.role ?? (name === label ? 'label' : ''));
  const hasRoles = names.some(roleOf);
  const hasValues = isCounted || schema.some((column) => column.domain);
  return (
    <section>
      <h2>
        {t('columns')} <span class="dim">{names.length}</span>
      </h2>
      <div class="wide" tabIndex={0} role="region" aria-label={t('columns')}>
        <table class="plain-table">
          <thead>
            <tr>
              <th>{t('name')}</th>
              <th>{t('type')}</th>
              {hasRoles && <th>{t('role')}</th>}
              {isCounted && (
                <>
                  <th class="number">{t('missing')}</th>
                  <th class="number">{t('distinct')}</th>
                  <th class="number">{t('mean')}</th>
                </>
              )}
              {hasValues && <th>{t('distribution')}</th>}
            </tr>
          </thead>
          <tbody>
            {names.map((name) => {
              const column = typed.get(name);
              const about = byName.get(name);
              return (
                <tr key={name}>
                  <td>
                    <Name text={name} />
                  </td>
                  <td class="mono">
                    {valueText(column?.type ?? about?.type)}
                    {column?.nullable === true && <span title={t('nullable')}>?</span>}
                  </td>
                  {hasRoles && <td>{roleOf(name)}</td>}
                  {isCounted && <Counted about={about} />}
                  {hasValues && (
                    <td>
                      {about && <Distribution about={about} />}
                      {!about && column?.domain && (
                        <span class="mono dim">{domainText(column.domain)}</span>
                      )}
                    </td>
                  )}
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Counted({ about }: { about: ColumnStatistics | undefined }) {
  return (
    <>
      <td class="number">{about && share(about.nulls, about.rows)}</td>
      <td class="number">{about?.distinct !== undefined && numberText(about.distinct)}</td>
      <td class="number">
        {about?.numbers?.mean !== undefined && numberText(about.numbers.mean)}
      </td>
    </>
  );
}

function domainText(domain: NonNullable<SchemaColumn['domain']>): string {
  if (Array.isArray(domain)) return domain.map(valueText).join(', ');
  return `${valueText(domain.minimum)} – ${valueText(domain.maximum)}`;
}

function share(part: number | undefined, whole: number | undefined): string {
  if (!part || !whole) return part === 0 ? '0' : '';
  const percent = (100 * part) / whole;
  return `${percent < 0.1 ? '<0.1' : percent.toFixed(1)}%`;
}

// Of numbers a histogram; of anything else its most frequent values.
function Distribution({ about }: { about: ColumnStatistics }) {
  const bins = about.numbers?.histogram ?? [];
  if (bins.length > 1) {
    const most = Math.max(...bins.map((bin) => bin.count), 1);
    const wide = 120 / bins.length;
    const { min, max } = about.numbers!;
    return (
      <span class="distribution">
        <svg viewBox="0 0 120 22" width="120" height="22" role="img" aria-label={t('distribution')}>
          {bins.map((bin, n) => (
            <rect
              key={n}
              x={n * wide}
              y={22 - (21 * bin.count) / most}
              width={Math.max(0.5, wide - 0.6)}
              height={(21 * bin.count) / most}
            >
              <title>{`${numberText(bin.low)} – ${numberText(bin.high)}: ${bin.count}`}</title>
            </rect>
          ))}
        </svg>
        {min !== undefined && max !== undefined && (
          <span class="dim number">
            {numberText(min)} – {numberText(max)}
          </span>
        )}
      </span>
    );
  }
  return (
    <span class="frequent">
      {(about.top ?? []).slice(0, 4).map((one) => (
        <span key={valueText(one.value)} class="mono">
          {valueText(one.value).slice(0, 24)}{' '}
          <span class="dim">{share(one.count, about.rows)}</span>
        </span>
      ))}
    </span>
  );
}

interface SampleProps {
  names: string[];
  rows: Value[][];
  more?: number; // columns
  places?: number[];
  cut?: [number, number, number][]; // row, column, length
}

function Sample({ names, rows, more, places, cut = [] }: SampleProps) {
  const numbers = names.map((_, at) => rows.some((row) => typeof row[at] === 'number'));
  const lengths = new Map(cut.map(([row, column, length]) => [`${row} ${column}`, length]));
  return (
    <section>
      <h2>
        {t('rowsSampled')} <span class="dim">{rows.length}</span>
      </h2>
      <div class="wide" tabIndex={0} role="region" aria-label={t('rowsSampled')}>
        <table class="plain-table sample">
          <thead>
            <tr>
              {places && <th class="number">#</th>}
              {names.map((name, at) => (
                <th key={at} class={numbers[at] ? 'number' : ''}>
                  <Name text={name} />
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, n) => (
              <tr key={n}>
                {places && <td class="number dim">{numberText(places[n]! + 1)}</td>}
                {names.map((_, at) => (
                  <td key={at} class={numbers[at] ? 'number' : 'mono'}>
                    <Cell value={row[at] ?? null} length={lengths.get(`${n} ${at}`)} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {!!more && <p class="dim">{t('rowsMore', { count: more })}</p>}
    </section>
  );
}

// `length`: of the whole, where the gateway has a part. The rest of what there is no room for is
// read by hovering.
function Cell({ value, length }: { value: Value; length: number | undefined }) {
  if (value === null) return <span class="dim">null</span>;
  const text = valueText(value);
  if (length === undefined && text.length <= 80) return <>{text}</>;
  return (
    <span title={text}>
      {text.slice(0, 79)}…{length !== undefined && <span class="dim"> ({numberText(length)})</span>}
    </span>
  );
}

function Files({ namespace, artifact }: { namespace: string; artifact: Artifact }) {
  const { files } = artifact;
  if (files.length === 0) return null;
  return (
    <section>
      <h2>
        {t('files')} <span class="dim">{artifact.fileCount}</span>
      </h2>
      <table class="plain-table">
        <tbody>
          {files.slice(0, 200).map((file) => (
            <tr key={file.path}>
              <td class="mono">
                <Download
                  url={contentUrl(namespace, artifact.digest, file.path)}
                  name={file.path.split('/').at(-1) || shortDigest(artifact.digest)}
                >
                  {shown(file.path || t('content'))}
                </Download>
              </td>
              <td class="number">{bytes(file.bytes)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {artifact.fileCount > 200 && <p class="dim">{t('cut')}</p>}
    </section>
  );
}
