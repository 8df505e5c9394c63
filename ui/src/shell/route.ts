// Where the page is: `#/NAMESPACE/runs/NAME?view=graph&step=train`. Everything that a person chose
// stands there, so that an address can be sent to somebody.
import { computed, signal } from '@preact/signals';

import { parse, type Route } from './address';

export { parse, type Route };

export type Query = Record<string, string | number | undefined>;

export function href(parts: string[], query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') search.set(name, String(value));
  }
  const text = search.toString();
  return `#/${parts.map(encodeURIComponent).join('/')}${text ? `?${text}` : ''}`;
}

export const route = signal<Route>(parse(location.hash));
window.addEventListener('hashchange', () => (route.value = parse(location.hash)));

export const namespace = computed(() => route.value.parts[0] ?? '');

// The address of where the page is, with some of its query changed.
export function here(changed: Query): string {
  const { parts, query } = route.peek();
  return href(parts, { ...Object.fromEntries(query), ...changed });
}

// `replace` for what the back button should not stop at, such as each letter of a filter.
export function go(to: string, replace = false) {
  if (replace) {
    history.replaceState(null, '', to);
    route.value = parse(to);
  } else {
    location.hash = to;
  }
}
