// Who looks at the page, and what they may do where.
import { computed, signal } from '@preact/signals';

import { ApiError, get, path } from '../api/client';
import type { Me } from '../api/types';
import type { Place } from '../parts/cli';
import { namespace } from './route';

export const me = signal<Me | undefined>(undefined);
export const meError = signal<ApiError | undefined>(undefined);

export async function loadMe() {
  try {
    // One that has no run yet is told of when it is asked for.
    me.value = (await get<Me>(path(['me'], { namespace: namespace.peek() })))?.body;
    meError.value = undefined;
  } catch (error) {
    meError.value =
      error instanceof ApiError ? error : new ApiError(0, 'Unreadable', String(error));
  }
}

export const place = computed<Place>(() => ({
  namespace: namespace.value,
  local: me.value?.mode === 'local',
  flags: me.value?.flags,
}));

// Verbs of runs, to decide an approval, to steer a rollout.
export type Verb = 'create' | 'patch' | 'approve' | 'steer';

// Of a namespace that the gateway does not tell of, the gateway decides when the button is pressed.
export function may(verb: Verb): boolean {
  const verbs = me.value?.may[namespace.value];
  return verbs === undefined || verbs.includes(verb);
}
