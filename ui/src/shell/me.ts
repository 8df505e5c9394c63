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
    me.value = (await get<Me>(path(['me'])))?.body;
    meError.value = undefined;
  } catch (error) {
    meError.value =
      error instanceof ApiError ? error : new ApiError(0, 'Unreadable', String(error));
  }
}

export const place = computed<Place>(() => ({
  namespace: namespace.value,
  local: me.value?.mode === 'local',
}));

// Where the gateway does not say, the button stays, and the gateway decides when it is pressed.
export function may(verb: string): boolean {
  const verbs = me.value?.may?.[namespace.value];
  return verbs === undefined || verbs.includes(verb) || verbs.includes('*');
}
