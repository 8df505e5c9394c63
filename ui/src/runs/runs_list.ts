// The runs of a namespace as they are scrolled through: pages are asked for when their place comes
// into view, and those that can still change are asked again.
import { signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';

import { ApiError, get, inNamespace } from '../api/client';
import type { List, RunRow } from '../api/types';
import { isFinal } from '../parts/phase';

export interface Filters {
  pipeline?: string;
  phase?: string;
  q?: string;
  cause?: string;
}

interface Page {
  after?: string;
  etag: string | null;
  next?: string;
  uids: string[];
}

const FIRST = 100; // rows: what a screen shows and a little more, so that it is there at once
const MORE = 500;
const EVERY = 3000;
const MOST_AGAIN = 3; // pages that are asked again in a round

export class RunsList {
  readonly rows = signal<RunRow[]>([]);
  readonly loaded = signal(false);
  readonly hasMore = signal(false);
  readonly error = signal<ApiError | undefined>(undefined);
  private readonly byUid = new Map<string, RunRow>(); // a deleted run's name may be another's now
  private pages: Page[] = [];
  private busy = false;
  private timer = 0;
  private readonly aborter = new AbortController();

  constructor(
    private readonly namespace: string,
    private readonly filters: Filters,
  ) {}

  start() {
    document.addEventListener('visibilitychange', this.again);
    void this.more().then(() => this.wait());
  }

  stop() {
    document.removeEventListener('visibilitychange', this.again);
    clearTimeout(this.timer);
    this.aborter.abort();
  }

  // The next page, where there is one.
  async more() {
    const last = this.pages.at(-1);
    if (this.busy || (last && !last.next)) return;
    this.busy = true;
    try {
      const page: Page = { after: last?.next, etag: null, uids: [] };
      if (await this.ask(page)) this.pages.push(page);
      this.show();
    } catch (error) {
      this.say(error);
    } finally {
      this.busy = false;
    }
  }

  again = async () => {
    if (document.visibilityState !== 'visible' || this.aborter.signal.aborted) return;
    clearTimeout(this.timer);
    try {
      if (this.pages.length === 0) await this.more();
      const moving = this.pages.filter(
        (page, at) => at > 0 && page.uids.some((uid) => !isFinal(this.byUid.get(uid)?.phase ?? '')),
      );
      let changed = false;
      for (const page of [...this.pages.slice(0, 1), ...moving.slice(0, MOST_AGAIN)]) {
        changed = (await this.ask(page)) || changed;
      }
      if (changed) this.show();
      this.error.value = undefined;
    } catch (error) {
      this.say(error);
    }
    this.wait();
  };

  private wait() {
    if (!this.aborter.signal.aborted) {
      this.timer = window.setTimeout(this.again, this.error.value ? 5 * EVERY : EVERY);
    }
  }

  private async ask(page: Page): Promise<boolean> {
    const url = inNamespace(this.namespace, ['runs'], {
      ...this.filters,
      limit: page.after ? MORE : FIRST,
      after: page.after,
    });
    const answer = await get<List<RunRow>>(url, page.etag, this.aborter.signal);
    if (!answer) return false;
    page.etag = answer.etag;
    page.uids = answer.body.items.map((row) => row.uid);
    // The first page moves on as runs are added; the pages behind it stay where they began.
    if (page.after || this.pages.length < 2) page.next = answer.body.next;
    for (const row of answer.body.items) this.byUid.set(row.uid, row);
    return true;
  }

  private show() {
    const rows = [...this.byUid.values()];
    rows.sort((a, b) => compare(b.created ?? '', a.created ?? '') || compare(a.name, b.name));
    this.rows.value = rows;
    this.hasMore.value = Boolean(this.pages.at(-1)?.next);
    this.loaded.value = true;
    this.error.value = undefined;
  }

  private say(error: unknown) {
    if (this.aborter.signal.aborted) return;
    this.loaded.value = true;
    this.error.value =
      error instanceof ApiError ? error : new ApiError(0, 'Unreadable', String(error));
  }
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

export function useRuns(namespace: string, filters: Filters): RunsList {
  const key = JSON.stringify([namespace, filters]);
  const list = useMemo(() => new RunsList(namespace, filters), [key]);
  useEffect(() => {
    list.start();
    return () => list.stop();
  }, [list]);
  return list;
}
