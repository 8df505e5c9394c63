// Who asks: by the cookie that `penstock ui` or a log-in sets, or on a cluster by a bearer token
// that a person gives. It is kept as long as the tab, and goes nowhere but to the gateway of this page.
import { signal } from '@preact/signals';

import { STORED } from './stored';

export const token = signal(sessionStorage.getItem(STORED) ?? '');
export const refused = signal(''); // why the gateway knows nobody by it; empty: it does
export const loginAt = signal(''); // where one can log in instead; empty: nowhere

export function signIn(given: string) {
  sessionStorage.setItem(STORED, given);
  token.value = given;
  refused.value = '';
}

export function authorization(): Record<string, string> {
  return token.peek() ? { Authorization: `Bearer ${token.peek()}` } : {};
}
