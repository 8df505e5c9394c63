// Light, dark, or as the machine is set.
import { effect, signal } from '@preact/signals';

export type Theme = 'auto' | 'light' | 'dark';
const STORED = 'penstock.theme';

const stored = localStorage.getItem(STORED);
export const theme = signal<Theme>(stored === 'light' || stored === 'dark' ? stored : 'auto');

const machine = matchMedia('(prefers-color-scheme: dark)');
const isDark = signal(machine.matches);
machine.addEventListener('change', () => (isDark.value = machine.matches));

// Canvases read their colours when it changes.
export const dark = signal(false);

effect(() => {
  dark.value = theme.value === 'dark' || (theme.value === 'auto' && isDark.value);
  document.documentElement.dataset.theme = dark.value ? 'dark' : 'light';
});

export function choose(chosen: Theme) {
  localStorage.setItem(STORED, chosen);
  theme.value = chosen;
}
