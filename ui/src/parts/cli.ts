// The command lines that do the same as the page's buttons: what is learnt here works in a
// terminal, and in a script.
import type { Value } from '../api/types';

// As one word of a POSIX shell.
export function quoted(word: string): string {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word)) return word;
  return `'${word.replace(/'/g, `'\\''`)}'`;
}

export function line(words: string[]): string {
  return words.map(quoted).join(' ');
}

// "-p name=value": a text as it is, anything else as JSON.
export const parameterWords = (values: Record<string, Value>) => valueWords('-p', values);

export interface Place {
  namespace: string;
  local: boolean;
  flags?: string; // that the gateway of a state folder says a command needs
}

const of = ({ namespace, local, flags }: Place, words: string[]) =>
  line(['penstock', ...words, ...(local ? [] : ['-n', namespace])]) + (flags ? ` ${flags}` : '');

export const runLine = (place: Place, pipeline: string, values: Record<string, Value>) =>
  of(place, ['run', place.local ? `${pipeline}.yaml` : pipeline, ...parameterWords(values)]);

export const rerunLine = (
  place: Place,
  run: string,
  from: string[],
  parameters: Record<string, Value>,
) => of(place, ['rerun', run, ...from.flatMap((step) => ['--from', step]), ...parameterWords(parameters)]);

export const cancelLine = (place: Place, run: string) => of(place, ['cancel', run]);

export const logsLine = (place: Place, run: string, step: string, item?: string) =>
  of(place, ['logs', run, item ? `${step}.${item}` : step]);

export interface Decision {
  approved: boolean;
  comment?: string;
  values?: Record<string, Value>;
}

const valueWords = (flag: string, values: Record<string, Value> = {}, before = '') =>
  Object.entries(values).flatMap(([name, value]) => [
    flag,
    `${before}${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  ]);

export const approveLine = (place: Place, run: string, step: string, decision: Decision) =>
  of(place, [
    'approve',
    run,
    step,
    ...(decision.approved ? [] : ['--reject']),
    ...valueWords('--value', decision.values),
    ...(decision.comment ? ['--comment', decision.comment] : []),
  ]);

// On one's own machine a run asks where it was started, or was started with the answer.
export const runApprovedLine = (place: Place, pipeline: string, step: string, decision: Decision) =>
  of(place, [
    'run',
    `${pipeline}.yaml`,
    ...(decision.values
      ? valueWords('--approve', decision.values, `${step}=`)
      : ['--approve', step]),
  ]);

export const rolloutLine = (place: Place, what: string, model: string, comment?: string) =>
  of(place, ['rollout', what, model, ...(comment ? ['--comment', comment] : [])]);

export const compareLine = (place: Place, runs: string[]) => of(place, ['diff', ...runs]);

// Without the word the command goes up alone.
export const lineageLine = (place: Place, of_: string, direction: string) =>
  of(place, ['lineage', of_, ...(direction === 'up' ? [] : ['--direction', direction])]);

export interface BackfillChoice {
  from: string;
  to: string;
  reprocess: string;
  atOnce: number;
  parameters: Record<string, Value>;
}

export const backfillLine = (place: Place, pipeline: string, choice: BackfillChoice) =>
  of(place, [
    'backfill',
    pipeline,
    '--from',
    choice.from,
    '--to',
    choice.to,
    '--every',
    '24h',
    ...(choice.reprocess === 'none' ? [] : ['--reprocess', choice.reprocess]),
    ...(choice.atOnce > 1 ? ['--max-active', String(choice.atOnce)] : []),
    ...parameterWords(choice.parameters),
  ]);
