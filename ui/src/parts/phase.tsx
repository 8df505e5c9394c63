// A phase as a shape, a colour and a word: never by the colour alone.
import { phaseWord } from '../words/words';

export type Tone = 'good' | 'bad' | 'busy' | 'wait' | 'idle' | 'warn';

const TONES: Record<string, Tone> = {
  Succeeded: 'good',
  Ready: 'good',
  Pass: 'good',
  Complete: 'good',
  stable: 'good',
  candidate: 'busy',
  Approved: 'good',
  Promoted: 'good',
  Failed: 'bad',
  Fail: 'bad',
  Invalid: 'bad',
  NotReady: 'bad',
  RolledBack: 'bad',
  Aborted: 'bad',
  Running: 'busy',
  Starting: 'busy',
  Progressing: 'busy',
  Promoting: 'busy',
  Step: 'busy',
  Shadow: 'busy',
  Suspended: 'warn',
  Paused: 'warn',
  Preview: 'warn',
  Inconclusive: 'warn',
  Skipped: 'idle',
  Cancelled: 'idle',
};

export function tone(phase: string): Tone {
  return TONES[phase] ?? 'wait';
}

const FINAL = new Set(['Succeeded', 'Failed', 'Skipped', 'Cancelled']);
export const isFinal = (phase: string) => FINAL.has(phase);

// In a box of 16 by 16; drawn by the canvas of large graphs, too.
export const SHAPES: Record<Tone, string> = {
  good: 'M3.5 8.5l3 3 6-7',
  bad: 'M4.5 4.5l7 7M11.5 4.5l-7 7',
  busy: 'M8 3a5 5 0 0 1 0 10z',
  wait: 'M8 5v3.5l2 1.5',
  idle: 'M5 8h6',
  warn: 'M6.2 5v6M9.8 5v6',
};

export function PhaseIcon({ phase }: { phase: string }) {
  const of = tone(phase);
  return (
    <svg class={`icon tone-${of}`} viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
      <circle cx="8" cy="8" r="6.5" />
      <path d={SHAPES[of]} />
    </svg>
  );
}

export function Phase({ phase, cached }: { phase: string; cached?: boolean }) {
  return (
    <span class={`phase tone-${tone(phase)}`}>
      <PhaseIcon phase={phase} />
      <span>{phaseWord(phase)}</span>
      {cached && <CachedMark />}
    </span>
  );
}

export function CachedMark() {
  return (
    <svg class="icon cached" viewBox="0 0 16 16" width="12" height="12" role="img">
      <title>cached</title>
      <path d="M9.5 1.5L3.5 9H8l-1.5 5.5L12.5 7H8z" />
    </svg>
  );
}
