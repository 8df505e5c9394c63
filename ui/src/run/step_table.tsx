// The steps of a run as a table: the same that the graph draws, sorted as one likes.
import { useMemo } from 'preact/hooks';

import type { StepRow } from '../api/types';
import { Name } from '../parts/pieces';
import { Phase } from '../parts/phase';
import { Reason } from '../parts/reason';
import { Table, type Column, type Sort } from '../parts/table';
import { ms } from '../parts/time';
import { go, here, href, namespace, route } from '../shell/route';
import { t } from '../words/words';
import { Duration } from '../runs/runs_page';
import type { RunStore } from './run_store';

// What wants a person first.
const RANK = ['Failed', 'Running', 'Pending', 'Waiting'];
const rank = (phase: string) => (RANK.indexOf(phase) + RANK.length + 1) % (RANK.length + 1);

const took = (row: StepRow) => {
  const from = ms(row.times?.started ?? row.times?.queued);
  return from === undefined ? -1 : (ms(row.times?.finished) ?? Date.now()) - from;
};

const BY: Record<string, (a: StepRow, b: StepRow) => number> = {
  name: (a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }),
  phase: (a, b) => rank(a.phase) - rank(b.phase),
  duration: (a, b) => took(a) - took(b),
  started: (a, b) => (ms(a.times?.started) ?? Infinity) - (ms(b.times?.started) ?? Infinity) || 0,
};

export function sorted(rows: StepRow[], sort: Sort | undefined, q: string): StepRow[] {
  const words = q.toLowerCase();
  const found = words ? rows.filter((row) => matches(row, words)) : rows.slice();
  const by = sort && BY[sort.by];
  if (by) found.sort(sort.down ? (a, b) => by(b, a) : by);
  return found;
}

export function matches(row: StepRow, words: string): boolean {
  return [row.name, row.phase, row.reason, row.component].some((text) =>
    text?.toLowerCase().includes(words),
  );
}

interface Props {
  store: RunStore;
  narrow: boolean; // beside the graph
}

export function StepTable({ store, narrow }: Props) {
  const query = route.value.query;
  const [by, way] = (query.get('sort') ?? '').split('-');
  const sort = by ? { by, down: way === 'down' } : undefined;
  const q = query.get('find') ?? '';
  const version = store.version.value;
  const rows = useMemo(() => sorted(store.rows(), sort, q), [store, version, query.get('sort'), q]);
  const open = (name: string) => here({ step: name });
  const all: Column<StepRow>[] = [
    {
      key: 'phase',
      label: t('phase'),
      width: narrow ? '108px' : '116px',
      sorts: true,
      cell: (row) => <Phase phase={row.phase} cached={row.cached} />,
    },
    {
      key: 'name',
      label: t('step'),
      width: narrow ? 'minmax(60px, 1fr)' : 'minmax(110px, 1.4fr)',
      sorts: true,
      cell: (row) => (
        <a href={open(row.name)}>
          <Name text={row.name} />
        </a>
      ),
    },
    {
      key: 'duration',
      label: t('duration'),
      width: narrow ? '62px' : '76px',
      sorts: true,
      class: 'number',
      cell: (row) =>
        !row.cached && (
          <Duration
            row={{ started: row.times.started ?? row.times.queued, finished: row.times.finished }}
          />
        ),
    },
    {
      key: 'reason',
      label: t('reason'),
      width: 'minmax(140px, 2.5fr)',
      cell: (row) => <StepReason row={row} />,
    },
    {
      key: 'component',
      label: t('component'),
      width: 'minmax(80px, 1fr)',
      cell: (row) => <Name text={row.component ?? row.image} />,
    },
    {
      key: 'attempts',
      label: t('attempts'),
      width: '72px',
      class: 'number',
      cell: (row) => row.attempts,
    },
  ];
  return (
    <Table
      class={narrow ? 'steps beside' : 'steps'}
      label={t('steps')}
      rows={rows}
      id={(row) => row.name}
      columns={narrow ? all.slice(0, 3) : all}
      rowHeight={narrow ? 28 : 32}
      selected={query.get('step') ?? undefined}
      sort={sort}
      onSort={(s) => go(here({ sort: `${s.by}${s.down ? '-down' : ''}` }), true)}
      onOpen={(row) => go(open(row.name))}
      empty={t('none')}
    />
  );
}

function StepReason({ row }: { row: StepRow }) {
  if (row.items) {
    const { total, succeeded, failed, running } = row.items;
    return (
      <span class="reason">
        {t('items')}: {succeeded}/{total}
        {failed > 0 && <span class="tone-bad"> {failed} ✕</span>}
        {running > 0 && <span class="dim"> {running} ◐</span>}
        {row.message && <span class="dim"> {row.message}</span>}
      </span>
    );
  }
  if (row.cached && row.cachedFrom) {
    return (
      <span class="reason dim">
        {t('cached')}:{' '}
        <a href={href([namespace.value, 'runs', row.cachedFrom])}>
          <Name text={row.cachedFrom} />
        </a>
      </span>
    );
  }
  const { name, reason, message } = row;
  return <Reason row={{ step: name, reason, message }} ofStep />;
}
