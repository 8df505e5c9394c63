// Text of others as it may be shown: names, messages and logs can hold anything.
import type { Value } from '../api/types';

// Controls, and what turns the direction of a line round (Trojan Source, CVE-2021-42574), as \u{..}.
const UNSEEN =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;

export function shown(text: string): string {
  return text.replace(UNSEEN, (c) => `\\u{${c.charCodeAt(0).toString(16)}}`);
}

const SHORT = 12; // characters that every table has room for

// A long name in two: what may be cut, and its end, from the last hyphen if that is near.
export function ends(text: string): [head: string, tail: string] {
  const characters = [...text];
  if (characters.length <= SHORT) return [text, ''];
  const hyphen = characters.lastIndexOf('-');
  const at = Math.max(characters.length - 5, Math.min(hyphen, characters.length - 2));
  return [characters.slice(0, at).join(''), characters.slice(at).join('')];
}

export function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 12);
}

export function bytes(count: number | undefined): string {
  if (count === undefined) return '';
  if (count < 1024) return `${count} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let value = count;
  let unit = -1;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

export function valueText(value: Value | undefined): string {
  if (value === undefined) return '';
  return shown(typeof value === 'string' ? value : JSON.stringify(value));
}

// At most five significant digits; whole numbers whole.
export function numberText(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return value.toLocaleString('en-US');
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e7 || size < 1e-4)) return value.toExponential(3);
  return String(Number(value.toPrecision(5)));
}
