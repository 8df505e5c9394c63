// One run as the page knows it: asked whole by its ETag, and kept up by the event stream in
// between. Changes are shown once a frame, whatever their number.
import { signal } from '@preact/signals';
import { useLayoutEffect, useMemo } from 'preact/hooks';

import { ApiError, get, inNamespace } from '../api/client';
import type { Run as Answer } from '../api/gateway';
import { connected, follow, isFollowed, type Told } from '../api/stream';
import type { Run, RunRow, StepCounts, StepRow } from '../api/types';
import { isFinal } from '../parts/phase';

export class RunStore {
  readonly run = signal<Run | undefined>(undefined);
  readonly error = signal<ApiError | undefined>(undefined);
  readonly version = signal(0); // of the steps
  readonly order: string[] = [];
  readonly steps = new Map<string, StepRow>();
  private readonly listeners = new Set<(changed: Set<string>) => void>();
  private changed = new Set<string>();
  private frame = 0;
  private asking = false;
  private timer = 0;
  private etag: string | null = null;
  private unconnect: (() => void) | undefined;
  private unfollow: (() => void) | undefined;
  private readonly aborter = new AbortController();

  constructor(
    readonly namespace: string,
    readonly name: string,
  ) {}

  start() {
    document.addEventListener('visibilitychange', this.again);
    // Asked for at once, and again for what happened while the stream was away and was not told.
    this.unconnect = connected.subscribe(() => void this.again());
    this.unfollow = follow({ namespace: this.namespace, run: this.name }, this.told);
  }

  stop() {
    this.unconnect?.();
    document.removeEventListener('visibilitychange', this.again);
    this.unfollow?.();
    clearTimeout(this.timer);
    cancelAnimationFrame(this.frame);
    this.aborter.abort();
  }

  // Names of the steps that changed, once a frame; for what draws by itself.
  listen = (listener: (changed: Set<string>) => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  rows(): StepRow[] {
    return this.order.map((name) => this.steps.get(name)!);
  }

  again = async () => {
    if (document.visibilityState !== 'visible' || this.aborter.signal.aborted) return;
    clearTimeout(this.timer);
    if (this.asking) return;
    this.asking = true;
    try {
      const url = inNamespace(this.namespace, ['runs', this.name]);
      const answer = await get<Answer>(url, this.etag, this.aborter.signal);
      if (answer) {
        this.etag = answer.etag;
        this.take(answer.body);
      }
      this.error.value = undefined;
    } catch (error) {
      if (this.aborter.signal.aborted) return;
      this.error.value =
        error instanceof ApiError ? error : new ApiError(0, 'Unreadable', String(error));
      if (this.error.value.status === 404) return;
    } finally {
      this.asking = false;
    }
    this.timer = window.setTimeout(this.again, this.wait());
  };

  private wait(): number {
    if (this.error.value) return 10_000;
    if (isFinal(this.run.value?.phase ?? '')) return 30_000;
    if (isFollowed({ namespace: this.namespace, run: this.name })) return 60_000;
    return this.order.length > 500 ? 5000 : 2000;
  }

  private take(answer: Answer) {
    const { steps, ...rest } = answer;
    this.order.length = 0;
    for (const row of steps) {
      this.order.push(row.name);
      this.put(row);
    }
    const known = new Set(this.order);
    for (const name of this.steps.keys()) if (!known.has(name)) this.steps.delete(name);
    this.run.value = rest;
    this.flush();
  }

  private put(row: StepRow) {
    const was = this.steps.get(row.name);
    if (was && same(was, row)) return;
    this.steps.set(row.name, row);
    this.changed.add(row.name);
  }

  private told = (event: Told, data: unknown) => {
    if (event === 'reset') void this.again();
    if (event === 'run') {
      // In a row the steps are counts; what it does not say any more is no more.
      const { steps: counts, ...rest } = data as RunRow;
      const none = { reason: undefined, message: undefined, step: undefined };
      if (this.run.value) this.run.value = { ...this.run.value, ...none, ...rest, counts };
      if (isFinal(rest.phase)) void this.again();
    }
    if (event === 'step') {
      const row = data as StepRow;
      if (!this.steps.has(row.name)) return;
      this.put(row);
      if (this.changed.size > 0) this.frame ||= requestAnimationFrame(this.flush);
    }
  };

  private flush = () => {
    this.frame = 0;
    if (this.changed.size === 0) return;
    const changed = this.changed;
    this.changed = new Set();
    for (const listener of this.listeners) listener(changed);
    this.version.value += 1;
  };
}

// Of two rows of one step; two levels deep, as rows are.
function same(a: StepRow, b: StepRow): boolean {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<keyof StepRow>;
  for (const name of names) {
    const [x, y] = [a[name], b[name]];
    if (x === y) continue;
    if (typeof x !== 'object' || typeof y !== 'object') return false;
    if (JSON.stringify(x) !== JSON.stringify(y)) return false;
  }
  return true;
}

export function count(rows: Iterable<StepRow>): StepCounts {
  const counts = { total: 0, succeeded: 0, failed: 0, running: 0, cached: 0, skipped: 0 };
  for (const row of rows) {
    counts.total += 1;
    if (row.phase === 'Succeeded') counts.succeeded += 1;
    else if (row.phase === 'Failed') counts.failed += 1;
    else if (row.phase === 'Skipped' || row.phase === 'Cancelled') counts.skipped += 1;
    else if (row.phase === 'Running') counts.running += 1;
    if (row.cached) counts.cached += 1;
  }
  return counts;
}

export function useRun(namespace: string, name: string): RunStore {
  const store = useMemo(() => new RunStore(namespace, name), [namespace, name]);
  // Before the first frame, and not after it: what it waits for is asked for at once.
  useLayoutEffect(() => {
    store.start();
    return () => store.stop();
  }, [store]);
  return store;
}
