// Of a step's times the stretches that they mark: waiting for a place, fetching its inputs,
// running, and uploading its outputs.
import type { StepTimes } from '../api/types';
import { ms } from '../parts/time';

export type Stretch = 'queue' | 'fetch' | 'runUnderWay' | 'upload';
export interface Part {
  kind: Stretch;
  from: number;
  to?: number; // absent: it goes on
}

// A time that is not there ends nothing: its stretch belongs to the one before it.
export function phasesOf(times: StepTimes | undefined): Part[] {
  const marks: [Stretch, number | undefined][] = [
    ['queue', ms(times?.queued)],
    ['fetch', ms(times?.fetchStarted)],
    ['runUnderWay', ms(times?.started)],
    ['upload', ms(times?.uploadStarted)],
  ];
  const known = marks.filter((mark): mark is [Stretch, number] => mark[1] !== undefined);
  const finished = ms(times?.finished);
  const parts = known.map(([kind, from], at) => ({
    kind,
    from,
    to: known[at + 1]?.[1] ?? finished,
  }));
  const long = parts.filter((part) => part.to === undefined || part.to > part.from);
  // Times are of whole seconds: what was over within one is shown all the same.
  const running = parts.filter((part) => part.kind === 'runUnderWay');
  return long.length > 0 ? long : running;
}
