// An answer of the gateway that is kept fresh: asked again by its ETag while the page is seen.
import { signal, type ReadonlySignal } from '@preact/signals';
import { useLayoutEffect, useMemo } from 'preact/hooks';

import { ApiError, get } from './client';

export interface Live<T> {
  data: ReadonlySignal<T | undefined>;
  error: ReadonlySignal<ApiError | undefined>;
  refresh(): void;
}

const MOST_WAIT = 30_000;

class Poll<T> implements Live<T> {
  readonly data = signal<T | undefined>(undefined);
  readonly error = signal<ApiError | undefined>(undefined);
  private etag: string | null = null;
  private timer = 0;
  private failures = 0;
  private aborter: AbortController | undefined;
  private ended = false;

  constructor(
    private readonly url: string,
    private readonly every: () => number,
  ) {}

  start() {
    document.addEventListener('visibilitychange', this.refresh);
    void this.ask();
  }

  stop() {
    this.ended = true;
    document.removeEventListener('visibilitychange', this.refresh);
    clearTimeout(this.timer);
    this.aborter?.abort();
  }

  refresh = () => {
    if (document.visibilityState !== 'visible' || this.ended) return;
    clearTimeout(this.timer);
    void this.ask();
  };

  private async ask() {
    this.aborter?.abort();
    const aborter = (this.aborter = new AbortController());
    try {
      const answer = await get<T>(this.url, this.etag, aborter.signal);
      if (aborter.signal.aborted) return;
      if (answer) {
        this.etag = answer.etag;
        this.data.value = answer.body;
      }
      this.failures = 0;
      this.error.value = undefined;
    } catch (error) {
      if (aborter.signal.aborted) return;
      this.failures += 1;
      this.error.value =
        error instanceof ApiError ? error : new ApiError(0, 'Unreadable', String(error));
    }
    this.wait();
  }

  // A gateway in trouble is asked less and less; one that refuses is not asked again at all.
  private wait() {
    const status = this.error.value?.status ?? 200;
    const refused = status >= 400 && status < 500 && status !== 429;
    const every = this.every();
    if (this.ended || refused || every <= 0 || document.visibilityState !== 'visible') return;
    const wait = Math.min(MOST_WAIT, every * 2 ** this.failures);
    this.timer = window.setTimeout(() => void this.ask(), wait);
  }
}

const NOTHING: Live<never> = {
  data: signal(undefined),
  error: signal(undefined),
  refresh: () => undefined,
};

// `every` in milliseconds; 0 asks once. An empty URL asks nothing.
export function useLive<T>(url: string, every: number | (() => number) = 3000): Live<T> {
  const poll = useMemo(
    () => (url ? new Poll<T>(url, typeof every === 'function' ? every : () => every) : undefined),
    [url],
  );
  // Before the first frame, and not after it: what it waits for is asked for at once.
  useLayoutEffect(() => {
    poll?.start();
    return () => poll?.stop();
  }, [poll]);
  return poll ?? (NOTHING as Live<T>);
}
