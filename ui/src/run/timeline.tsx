// The steps of a run over time: waiting, fetching, running and uploading apart.
import { useMemo } from 'preact/hooks';

import { Name } from '../parts/pieces';
import { PhaseIcon } from '../parts/phase';
import { Table, type Column } from '../parts/table';
import { duration, ms, now } from '../parts/time';
import type { StepRow } from '../api/types';
import { go, here, route } from '../shell/route';
import { phaseWord, t } from '../words/words';
import type { RunStore } from './run_store';
import { matches } from './step_table';
import { phasesOf, type Stretch } from './timeline_phases';

const KINDS: Stretch[] = ['queue', 'fetch', 'runUnderWay', 'upload'];

const startOf = (row: StepRow) =>
  ms(row.times?.queued) ?? ms(row.times?.fetchStarted) ?? ms(row.times?.started);

// A round length of time, so that at most `most` of them fill the whole.
export function tick(whole: number, most: number): number {
  const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];
  const days = [21_600, 43_200, 86_400, 172_800, 604_800, 2_592_000];
  const seconds = [...steps, ...days].find((s) => s * 1000 * most >= whole);
  return (seconds ?? Math.ceil(whole / most / 2_592_000_000) * 2_592_000) * 1000;
}

export function Timeline({ store }: { store: RunStore }) {
  const query = route.value.query;
  const find = (query.get('find') ?? '').toLowerCase();
  const version = store.version.value;
  const rows = useMemo(() => {
    const started = store.rows().filter((row) => startOf(row) !== undefined && matches(row, find));
    return started.sort((a, b) => startOf(a)! - startOf(b)!);
  }, [store, version, find]);
  const goesOn = rows.some((row) => !row.times?.finished);
  const at = goesOn ? now.value : 0;
  const from = rows.length ? startOf(rows[0]!)! : 0;
  let to = from + 1;
  for (const row of rows) to = Math.max(to, ms(row.times?.finished) ?? at);
  const whole = to - from;
  const every = tick(whole, 6);
  const ticks: number[] = [];
  for (let x = 0; x <= whole; x += every) ticks.push(x);
  const part = (x: number) => `${(100 * x) / whole}%`;

  const columns: Column<StepRow>[] = [
    {
      key: 'name',
      label: t('step'),
      width: 'minmax(110px, 220px)',
      cell: (row) => (
        <a href={here({ step: row.name })}>
          <PhaseIcon phase={row.phase} /> <Name text={row.name} />
        </a>
      ),
    },
    {
      key: 'bar',
      label: t('time'),
      width: 'minmax(160px, 1fr)',
      cell: (row) => <Bars row={row} from={from} at={at} part={part} />,
    },
    {
      key: 'duration',
      label: t('duration'),
      width: '76px',
      class: 'number',
      cell: (row) => duration((ms(row.times?.finished) ?? at) - startOf(row)!),
    },
  ];
  return (
    <div class="timeline">
      <div class="legend">
        {KINDS.map((kind) => (
          <span key={kind}>
            <i class={`stretch ${kind}`} aria-hidden="true" /> {t(kind)}
          </span>
        ))}
      </div>
      <div class="axis" aria-hidden="true">
        <div>
          {ticks.map((x) => (
            <span key={x} style={{ left: part(x) }}>
              {x === 0 ? '0' : duration(x)}
            </span>
          ))}
        </div>
      </div>
      <Table
        class="bars"
        label={t('timeline')}
        rows={rows}
        id={(row) => row.name}
        columns={columns}
        rowHeight={26}
        selected={query.get('step') ?? undefined}
        onOpen={(row) => go(here({ step: row.name }))}
        empty={t('none')}
      />
    </div>
  );
}

interface BarsProps {
  row: StepRow;
  from: number;
  at: number;
  part: (x: number) => string;
}

function Bars({ row, from, at, part }: BarsProps) {
  const parts = phasesOf(row.times);
  const said = parts.map((p) => `${t(p.kind)} ${duration((p.to ?? at) - p.from)}`).join(', ');
  return (
    <span class="lane" role="img" aria-label={`${phaseWord(row.phase)}: ${said}`} title={said}>
      {parts.map((p) => (
        <i
          key={p.kind}
          class={`stretch ${p.kind} ${row.phase === 'Failed' ? 'failed' : ''}`}
          style={{ left: part(p.from - from), width: part((p.to ?? at) - p.from) }}
        />
      ))}
    </span>
  );
}
