// The table of runs: filtered by the address, with the reason on each row, kept fresh.
import { useEffect, useRef, useState } from 'preact/hooks';

import { inNamespace } from '../api/client';
import { useLive } from '../api/live';
import type { List, PipelineRow, RunRow, StepCounts } from '../api/types';
import { At, Name, NameByEnds, Trouble } from '../parts/pieces';
import { Phase } from '../parts/phase';
import { Reason } from '../parts/reason';
import { shown } from '../parts/shown';
import { Table, type Column } from '../parts/table';
import { between, now } from '../parts/time';
import { go, here, href, route } from '../shell/route';
import { phaseWord, t } from '../words/words';
import { useRuns, type Filters } from './runs_list';

const PHASES = ['Pending', 'Suspended', 'Running', 'Succeeded', 'Failed', 'Cancelled', 'Invalid'];
const CAUSES = ['Change', 'Schedule', 'Trigger', 'Backfill'];

export function RunsPage({ namespace }: { namespace: string }) {
  const query = route.value.query;
  const filters: Filters = {
    pipeline: query.get('pipeline') || undefined,
    phase: query.get('phase') || undefined,
    q: query.get('q') || undefined,
    cause: query.get('cause') || undefined,
  };
  const list = useRuns(namespace, filters);
  const [picked, setPicked] = useState<string[]>([]);
  const rows = list.rows.value;
  const filtered = Object.values(filters).some(Boolean);

  const pick = (name: string) =>
    setPicked((was) => (was.includes(name) ? was.filter((n) => n !== name) : [...was, name]));

  return (
    <section class="page">
      <header class="bar">
        <h1>{t('runs')}</h1>
        <FilterForm namespace={namespace} filters={filters} filtered={filtered} />
        <span class="count" role="status">
          {t(list.hasMore.value ? 'loadedMore' : 'loaded', { count: rows.length })}
        </span>
        <a
          class={`button ${picked.length < 2 ? 'off' : ''}`}
          aria-disabled={picked.length < 2}
          href={href([namespace, 'compare'], { runs: picked.join(',') })}
        >
          {t('compare')}
          {picked.length > 0 ? ` (${picked.length})` : ''}
        </a>
      </header>
      <Trouble error={list.error.value} retry={() => void list.again()} />
      <Table
        class="runs"
        label={t('runs')}
        rows={rows}
        id={(row) => row.uid}
        total={list.hasMore.value ? -1 : rows.length}
        columns={columns(namespace, rows, picked, pick)}
        onOpen={(row) => go(href([namespace, 'runs', row.name]))}
        onNearEnd={() => void list.more()}
        empty={!list.loaded.value ? t('loading') : t(filtered ? 'runsNone' : 'runsNoneYet')}
      />
    </section>
  );
}

function FilterForm(props: { namespace: string; filters: Filters; filtered: boolean }) {
  const { namespace, filters } = props;
  const pipelines = useLive<List<PipelineRow>>(
    inNamespace(namespace, ['pipelines'], { limit: 500 }),
    30_000,
  );
  const names = (pipelines.data.value?.items ?? []).map((p) => p.name);
  if (filters.pipeline && !names.includes(filters.pipeline)) names.unshift(filters.pipeline);
  const set = (name: keyof Filters) => (event: Event) =>
    go(here({ [name]: (event.currentTarget as HTMLSelectElement).value || undefined }), true);
  return (
    <form class="filters" role="search" onSubmit={(e) => e.preventDefault()}>
      <SearchBox value={filters.q ?? ''} label={t('searchRuns')} name="q" />
      <select aria-label={t('phase')} value={filters.phase ?? ''} onChange={set('phase')}>
        <option value="">{t('anyPhase')}</option>
        {PHASES.map((phase) => (
          <option key={phase} value={phase}>
            {phaseWord(phase)}
          </option>
        ))}
      </select>
      <select aria-label={t('pipeline')} value={filters.pipeline ?? ''} onChange={set('pipeline')}>
        <option value="">{t('anyPipeline')}</option>
        {names.map((name) => (
          <option key={name} value={name}>
            {shown(name)}
          </option>
        ))}
      </select>
      <select aria-label={t('cause')} value={filters.cause ?? ''} onChange={set('cause')}>
        <option value="">{t('anyCause')}</option>
        {CAUSES.map((cause) => (
          <option key={cause}>{cause}</option>
        ))}
      </select>
      {props.filtered && <a href={href([namespace, 'runs'])}>{t('reset')}</a>}
    </form>
  );
}

// Writes what is typed into the address once the typing rests.
export function SearchBox(props: { value: string; label: string; name: string }) {
  const input = useRef<HTMLInputElement>(null);
  const timer = useRef(0);
  useEffect(() => {
    if (document.activeElement !== input.current) input.current!.value = props.value;
  }, [props.value]);
  function typed(value: string) {
    clearTimeout(timer.current);
    const write = () => go(here({ [props.name]: value || undefined }), true);
    timer.current = window.setTimeout(write, 200);
  }
  return (
    <input
      ref={input}
      type="search"
      placeholder={props.label}
      aria-label={props.label}
      onInput={(e) => typed(e.currentTarget.value)}
    />
  );
}

export function Counts({ counts, phase }: { counts: StepCounts | undefined; phase: string }) {
  if (!counts) return null;
  const { total, succeeded, failed, running, skipped } = counts;
  const ended = succeeded + failed + skipped;
  return (
    <span class="counts" title={`${phaseWord(phase)}: ${succeeded} / ${failed} / ${running}`}>
      <span class="meter" aria-hidden="true">
        {(
          [
            ['good', succeeded],
            ['bad', failed],
            ['busy', running],
            ['idle', skipped],
            ['rest', total - ended - running],
          ] as const
        ).map(([of, n]) => n > 0 && <i key={of} class={`tone-${of}`} style={{ flexGrow: n }} />)}
      </span>
      <span class="number">
        {ended}/{total}
      </span>
    </span>
  );
}

// What none of the runs has takes no room.
function columns(
  namespace: string,
  rows: RunRow[],
  picked: string[],
  pick: (name: string) => void,
): Column<RunRow>[] {
  const all: Column<RunRow>[] = [
    {
      key: 'pick',
      label: t('choose'),
      hideLabel: true,
      width: '28px',
      cell: (row) => (
        <input
          type="checkbox"
          aria-label={`${t('compare')}: ${shown(row.name)}`}
          checked={picked.includes(row.name)}
          onChange={() => pick(row.name)}
        />
      ),
    },
    { key: 'phase', label: t('phase'), width: '116px', cell: (row) => <Phase phase={row.phase} /> },
    {
      key: 'name',
      label: t('run'),
      width: 'minmax(110px, 1.2fr)',
      cell: (row) => (
        <a href={href([namespace, 'runs', row.name])} aria-label={shown(row.name)}>
          <NameByEnds text={row.name} />
        </a>
      ),
    },
    {
      key: 'pipeline',
      label: t('pipeline'),
      width: 'minmax(70px, 0.9fr)',
      cell: (row) => <Name text={row.pipeline} />,
    },
    {
      key: 'reason',
      label: t('reason'),
      width: 'minmax(190px, 3fr)',
      cell: (row) => <Reason row={row} />,
    },
    {
      key: 'steps',
      label: t('steps'),
      width: '132px',
      cell: (row) => <Counts counts={row.steps} phase={row.phase} />,
    },
    {
      key: 'started',
      label: t('started'),
      width: '112px',
      class: 'number',
      cell: (row) => <At time={row.started ?? row.created} />,
    },
    {
      key: 'duration',
      label: t('duration'),
      width: '76px',
      class: 'number',
      cell: (row) => <Duration row={row} />,
    },
    { key: 'cause', label: t('cause'), width: '76px', cell: (row) => shown(row.cause ?? '') },
    {
      key: 'user',
      label: t('user'),
      width: 'minmax(50px, 0.6fr)',
      cell: (row) => <Name text={row.user} />,
    },
  ];
  const has = { cause: rows.some((row) => row.cause), user: rows.some((row) => row.user) };
  return all.filter(({ key }) => has[key as keyof typeof has] ?? true);
}

// Apart, so that the second hand redraws this cell and not the table.
export function Duration({ row }: { row: { started?: string; finished?: string } }) {
  return <>{between(row.started, row.finished, row.finished ? 0 : now.value)}</>;
}
