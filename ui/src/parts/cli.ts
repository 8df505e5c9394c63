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
export function parameterWords(values: Record<string, Value>): string[] {
  return Object.entries(values).flatMap(([name, value]) => [
    '-p',
    `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  ]);
}

const inNamespace = (local: boolean, namespace: string) => (local ? [] : ['-n', namespace]);

export interface Place {
  namespace: string;
  local: boolean;
}

const of = (place: Place, words: string[]) =>
  line(['penstock', ...words, ...inNamespace(place.local, place.namespace)]);

export const runLine = (place: Place, pipeline: string, values: Record<string, Value>) =>
  of(place, ['run', place.local ? `${pipeline}.yaml` : pipeline, ...parameterWords(values)]);

export const cancelLine = (place: Place, run: string) => of(place, ['cancel', run]);

export const logsLine = (place: Place, run: string, step: string, item?: string) =>
  of(place, ['logs', run, item ? `${step}.${item}` : step]);

export interface Decision {
  approved: boolean;
  comment?: string;
  values?: Record<string, Value>;
}

export const approveLine = (place: Place, run: string, step: string, decision: Decision) =>
  of(place, [
    'approve',
    run,
    step,
    ...(decision.approved ? [] : ['--reject']),
    ...Object.entries(decision.values ?? {}).flatMap(([name, value]) => [
      '--value',
      `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
    ]),
    ...(decision.comment ? ['--comment', decision.comment] : []),
  ]);

export const rolloutLine = (place: Place, what: string, model: string) =>
  of(place, ['rollout', what, model]);

export const compareLine = (place: Place, runs: string[]) => of(place, ['diff', ...runs]);

export const lineageLine = (place: Place, of_: string) => of(place, ['lineage', of_]);

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
