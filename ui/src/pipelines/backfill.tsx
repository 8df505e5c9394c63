// A calendar of the days that a pipeline has runs of, on which a span is chosen to fill. A backfill
// goes on where it was started, so the page gives its command line and starts none itself.
import { useMemo, useState } from 'preact/hooks';

import { inNamespace } from '../api/client';
import { useLive } from '../api/live';
import type { List, Pipeline, RunRow } from '../api/types';
import { backfillLine } from '../parts/cli';
import { CommandLine } from '../parts/pieces';
import { PhaseIcon, tone } from '../parts/phase';
import { now } from '../parts/time';
import { place } from '../shell/me';
import { language, phaseWord, t } from '../words/words';

const DAY = 86_400_000;
const WEEKS = 8;

export const dayOf = (time: number) => new Date(time).toISOString().slice(0, 10);

// Weeks of days in UTC, Monday first, the newest week last.
export function calendar(today: number, weeks: number): string[][] {
  const sinceMonday = (new Date(today).getUTCDay() + 6) % 7;
  const first = today - (sinceMonday + 7 * (weeks - 1)) * DAY;
  return Array.from({ length: weeks }, (_, week) =>
    Array.from({ length: 7 }, (_, day) => dayOf(first + (7 * week + day) * DAY)),
  );
}

// Of each day its newest run.
export function byDay(runs: RunRow[]): Map<string, RunRow> {
  const days = new Map<string, RunRow>();
  for (const run of runs) {
    const day = (run.created ?? '').slice(0, 10);
    const other = days.get(day);
    if (!other || (other.created ?? '') < (run.created ?? '')) days.set(day, run);
  }
  return days;
}

export function Backfill({ namespace, pipeline }: { namespace: string; pipeline: Pipeline }) {
  const url = inNamespace(namespace, ['runs'], { pipeline: pipeline.name, limit: 500 });
  const live = useLive<List<RunRow>>(url, 10_000);
  const today = dayOf(now.value);
  const weeks = useMemo(() => calendar(Date.parse(today), WEEKS), [today]);
  const days = useMemo(() => byDay(live.data.value?.items ?? []), [live.data.value]);
  const [from, setFrom] = useState(weeks[WEEKS - 2]![0]!);
  const [to, setTo] = useState(today);
  const [reprocess, setReprocess] = useState('none');
  const within = (day: string) => day >= from && day <= to;
  const names = useMemo(() => {
    const format = new Intl.DateTimeFormat(language.value, { weekday: 'short', timeZone: 'UTC' });
    return weeks[0]!.map((day) => format.format(Date.parse(day)));
  }, [weeks, language.value]);

  function choose(day: string) {
    // The first click begins a span, the second ends it.
    if (from === to && day > from) setTo(day);
    else {
      setFrom(day);
      setTo(day);
    }
  }

  return (
    <section>
      <h2>{t('backfill')}</h2>
      <div class="backfill">
        <table class="calendar" aria-label={t('backfill')}>
          <thead>
            <tr>
              {names.map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {weeks.map((week) => (
              <tr key={week[0]}>
                {week.map((day) => {
                  const run = days.get(day);
                  return (
                    <td key={day}>
                      <button
                        type="button"
                        class={`day ${run ? `tone-${tone(run.phase)}` : ''}`}
                        aria-pressed={within(day)}
                        aria-label={`${day}${run ? `, ${phaseWord(run.phase)}` : ''}`}
                        disabled={day > today}
                        onClick={() => choose(day)}
                      >
                        {day.slice(8)}
                        {run && <PhaseIcon phase={run.phase} />}
                      </button>
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
        <div class="fields">
          <div class="field">
            <label for="backfill-from">{t('from')}</label>
            <input
              id="backfill-from"
              type="date"
              value={from}
              max={to}
              onChange={(e) => setFrom(e.currentTarget.value)}
            />
          </div>
          <div class="field">
            <label for="backfill-to">{t('to')}</label>
            <input
              id="backfill-to"
              type="date"
              value={to}
              min={from}
              onChange={(e) => setTo(e.currentTarget.value)}
            />
          </div>
          <div class="field">
            <label for="backfill-reprocess">{t('rerun')}</label>
            <select
              id="backfill-reprocess"
              value={reprocess}
              onChange={(e) => setReprocess(e.currentTarget.value)}
            >
              <option value="none">{t('none')}</option>
              <option value="failed">{phaseWord('Failed')}</option>
              <option value="completed">{t('all')}</option>
            </select>
          </div>
        </div>
      </div>
      <p>{t('backfillDays')}</p>
      <CommandLine
        text={backfillLine(place.value, pipeline.name, {
          from,
          to,
          reprocess,
          atOnce: 1,
          parameters: {},
        })}
      />
    </section>
  );
}
