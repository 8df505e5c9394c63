// Runs by steps: one column a run, the newest on the right, one row a step. A step that fails again
// and again shows as a line of red.
import { useEffect, useRef, useState } from 'preact/hooks';

import { inNamespace } from '../api/client';
import { useLive } from '../api/live';
import type { Grid, List, PipelineRow } from '../api/types';
import { Loading, Name, Trouble } from '../parts/pieces';
import { PhaseIcon, tone } from '../parts/phase';
import { shown } from '../parts/shown';
import { clock, duration, ms, now } from '../parts/time';
import { go, here, href, route } from '../shell/route';
import { phaseWord, t } from '../words/words';

const LIMITS = [25, 50, 100];

export function GridPage({ namespace }: { namespace: string }) {
  const query = route.value.query;
  const pipelines = useLive<List<PipelineRow>>(
    inNamespace(namespace, ['pipelines'], { limit: 500 }),
    0,
  );
  const names = (pipelines.data.value?.items ?? []).map((p) => p.name);
  const pipeline = query.get('pipeline') ?? names[0];
  const limit = query.get('limit') ?? '25';
  const url = pipeline ? inNamespace(namespace, ['grid'], { pipeline, limit }) : '';
  const live = useLive<Grid>(url, 3000);
  const grid = live.data.value;
  return (
    <section class="page">
      <header class="bar">
        <h1>{t('gridOf')}</h1>
        <select
          aria-label={t('pipeline')}
          value={pipeline ?? ''}
          onChange={(e) => go(here({ pipeline: e.currentTarget.value }), true)}
        >
          {names.map((name) => (
            <option key={name} value={name}>
              {shown(name)}
            </option>
          ))}
        </select>
        <select
          aria-label={t('runs')}
          value={limit}
          onChange={(e) => go(here({ limit: e.currentTarget.value }), true)}
        >
          {LIMITS.map((n) => (
            <option key={n} value={n}>
              {n} {t('runs')}
            </option>
          ))}
        </select>
        <span class="grow" />
        <Legend />
      </header>
      <Trouble error={live.error.value ?? pipelines.error.value} retry={live.refresh} />
      {pipelines.data.value && names.length === 0 && <p class="empty">{t('pipelinesNone')}</p>}
      {grid ? <Cells grid={grid} namespace={namespace} /> : pipeline && <Loading />}
    </section>
  );
}

function Legend() {
  return (
    <span class="legend" aria-hidden="true">
      {['Succeeded', 'Failed', 'Running', 'Waiting', 'Skipped'].map((phase) => (
        <span key={phase}>
          <PhaseIcon phase={phase} /> {phaseWord(phase)}
        </span>
      ))}
    </span>
  );
}

function Cells({ grid, namespace }: { grid: Grid; namespace: string }) {
  const runs = [...grid.runs].sort((a, b) => ((a.created ?? '') < (b.created ?? '') ? -1 : 1));
  const box = useRef<HTMLDivElement>(null);
  const [mark, setMark] = useState({ row: 0, column: runs.length - 1 });
  const moved = useRef(false);
  const longest = Math.max(1, ...runs.map((run) => tookOf(run)));

  // The newest is on the right, and what one wants to see first.
  useEffect(() => {
    box.current!.scrollLeft = box.current!.scrollWidth;
  }, [grid.runs.length]);
  useEffect(() => {
    if (!moved.current) return;
    moved.current = false;
    box.current?.querySelector<HTMLElement>(`[data-at="${mark.row}-${mark.column}"]`)?.focus();
  }, [mark]);

  function onKeyDown(event: KeyboardEvent) {
    const by: Record<string, [number, number]> = {
      ArrowUp: [-1, 0],
      ArrowDown: [1, 0],
      ArrowLeft: [0, -1],
      ArrowRight: [0, 1],
    };
    const way = by[event.key];
    if (!way) return;
    event.preventDefault();
    moved.current = true;
    // From where the last key led, drawn or not.
    setMark((was) => ({
      row: Math.min(grid.steps.length - 1, Math.max(0, was.row + way[0])),
      column: Math.min(runs.length - 1, Math.max(0, was.column + way[1])),
    }));
  }

  return (
    <div class="grid-box" ref={box} onKeyDown={onKeyDown} tabIndex={-1}>
      <table class="grid" aria-label={t('gridOf')}>
        <thead>
          <tr>
            <th scope="col">
              <span class="said">{t('step')}</span>
            </th>
            {runs.map((run) => (
              <th key={run.name} scope="col">
                <a
                  href={href([namespace, 'runs', run.name])}
                  title={`${shown(run.name)}\n${phaseWord(run.phase)}\n${clock(run.created)}\n${duration(tookOf(run))}`}
                  aria-label={`${shown(run.name)}, ${phaseWord(run.phase)}`}
                >
                  <i
                    class={`took tone-${tone(run.phase)}`}
                    style={{ height: `${Math.max(4, (48 * tookOf(run)) / longest)}px` }}
                  />
                  <PhaseIcon phase={run.phase} />
                </a>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {grid.steps.map((step, row) => (
            <tr key={step}>
              <th scope="row">
                <Name text={step} />
              </th>
              {runs.map((run, column) => {
                const phase = run.cells[step];
                return (
                  <td key={run.name}>
                    {phase && (
                      <a
                        class={`square tone-${tone(phase)}`}
                        data-at={`${row}-${column}`}
                        tabIndex={row === mark.row && column === mark.column ? 0 : -1}
                        href={href([namespace, 'runs', run.name], { step })}
                        title={`${shown(step)}: ${phaseWord(phase)}\n${shown(run.name)}`}
                        aria-label={`${shown(run.name)}, ${shown(step)}: ${phaseWord(phase)}`}
                      >
                        <PhaseIcon phase={phase} />
                      </a>
                    )}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      <p class="dim grid-note">
        {runs.length > 0 && `${clock(runs[0]!.created)} – ${clock(runs.at(-1)!.created)}`}
        {runs.length > 0 && ` · ${t('duration')} ≤ ${duration(longest)}`}
      </p>
    </div>
  );
}

const tookOf = (run: Grid['runs'][number]) =>
  (ms(run.finished) ?? now.peek()) - (ms(run.created) ?? now.peek());
