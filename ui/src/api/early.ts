// What the page of an address needs first, asked for while the page's script is still on its way:
// src/boot.ts begins it, and whoever asks for the same first is given its answer.
import { STORED } from './stored';

const LONGEST = 10_000; // ms; an answer that is older is of no use

interface Early {
  url: string;
  begun: number;
  answer: Promise<Response | undefined>;
}
// Null: the page has begun to ask by itself, or was given what was begun.
const place = globalThis as { penstockEarly?: Early | null };

export function begin(url: string) {
  if (place.penstockEarly === null) return;
  const token = sessionStorage.getItem(STORED);
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (token) headers.Authorization = `Bearer ${token}`;
  const answer = fetch(url, { credentials: 'same-origin', cache: 'no-store', headers });
  // Of one that failed nothing is said: it is asked again, and that says it.
  place.penstockEarly = { url, begun: performance.now(), answer: answer.catch(() => undefined) };
}

// Given once: what is asked later is to be newer.
export function early(url: string): Promise<Response | undefined> | undefined {
  const begun = place.penstockEarly;
  if (begun && begun.url !== url) return undefined;
  place.penstockEarly = null;
  return begun && performance.now() - begun.begun < LONGEST ? begun.answer : undefined;
}
