// The page's words in the language that the person chose, else the browser's.
import { effect, signal } from '@preact/signals';

import { en, type Word } from './en';
import { ko } from './ko';

export type { Word } from './en';
export type Language = 'en' | 'ko';

const STORED = 'penstock.language';

function first(): Language {
  const stored = localStorage.getItem(STORED);
  if (stored === 'en' || stored === 'ko') return stored;
  return navigator.language.startsWith('ko') ? 'ko' : 'en';
}

export const language = signal<Language>(first());
effect(() => {
  document.documentElement.lang = language.value;
});

export function choose(chosen: Language) {
  localStorage.setItem(STORED, chosen);
  language.value = chosen;
}

export function t(word: Word, values: Record<string, string | number> = {}): string {
  const text = (language.value === 'ko' ? ko : en)[word];
  return text.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ''));
}

// A phase that the dictionary does not have is shown as the gateway says it.
export function phaseWord(phase: string): string {
  const word = `phase.${phase}`;
  return word in en ? t(word as Word) : phase;
}
