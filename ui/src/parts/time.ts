// Times as people read them, and the one clock that the page shows durations by.
import { signal } from '@preact/signals';

import type { Time } from '../api/types';

// Once a second while the page is seen.
export const now = signal(Date.now());
setInterval(() => {
  if (document.visibilityState === 'visible') now.value = Date.now();
}, 1000);

export function ms(time: Time | undefined): number | undefined {
  if (!time) return undefined;
  const value = Date.parse(time);
  return Number.isNaN(value) ? undefined : value;
}

// "0.4s", "12s", "3m 05s", "2h 07m", "3d 4h"
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, milliseconds) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)}s`;
  if (seconds < 60) return `${Math.floor(seconds)}s`;
  const pad = (n: number) => String(Math.floor(n)).padStart(2, '0');
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${pad(seconds % 60)}s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h ${pad((seconds % 3600) / 60)}m`;
  return `${Math.floor(seconds / 86_400)}d ${Math.floor((seconds % 86_400) / 3600)}h`;
}

// From `start` to `end`, or to now while it has none.
export function between(start: Time | undefined, end: Time | undefined, at: number): string {
  const from = ms(start);
  if (from === undefined) return '';
  const to = ms(end);
  // While it goes on, tenths of a second would only flicker.
  if (to === undefined) return duration(Math.max(0, Math.floor((at - from) / 1000) * 1000));
  return duration(to - from);
}

const two = (n: number) => String(n).padStart(2, '0');

// In the person's own zone: "11-30 14:05:09", with the year where it is another.
export function clock(time: Time | undefined): string {
  const value = ms(time);
  if (value === undefined) return '';
  const d = new Date(value);
  const day = `${two(d.getMonth() + 1)}-${two(d.getDate())}`;
  const year = d.getFullYear() === new Date().getFullYear() ? '' : `${d.getFullYear()}-`;
  return `${year}${day} ${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

// For a tooltip: whole, with its zone.
export function whole(time: Time | undefined): string | undefined {
  const value = ms(time);
  return value === undefined ? undefined : `${new Date(value).toString()}\n${time}`;
}
