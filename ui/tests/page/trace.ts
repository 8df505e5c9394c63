// How long the page takes: by the clock, and of that what its main thread computed (Chromium's
// trace), so that a busy machine does not count as the page's.
import type { Page } from 'playwright-core';

import { until } from './harness';

export interface Painted {
  wall: number; // milliseconds from the navigation
  cpu: number; // of them, what the page's main thread computed
  at: Record<string, number>; // when what it waits for was there, milliseconds from the navigation
}

// What the page of one address waits for, in the order in which it comes: `data` is the largest
// answer of the API before the paint.
const milestones = () => {
  const [page] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
  const all = performance.getEntriesByType('resource') as PerformanceResourceTiming[];
  const painted = performance.getEntriesByName('shown')[0]!.startTime;
  const largest = (path: RegExp) =>
    all
      .filter((one) => path.test(one.name) && one.responseEnd <= painted)
      .sort((a, b) => b.decodedBodySize - a.decodedBodySize)[0];
  const data = largest(/\/api\/v1\/namespaces\//);
  return {
    document: page!.responseEnd,
    script: largest(/\/page-\w+\.js/)?.responseEnd ?? 0,
    'data asked for': data?.requestStart ?? 0,
    'data, first byte': data?.responseStart ?? 0,
    'data, whole': data?.responseEnd ?? 0,
  };
};

// To the frame after `count` elements of `selector` were there, as often as asked.
export async function paints(
  page: Page,
  selector: string,
  count: number,
  times: number,
): Promise<Painted[]> {
  await page.addInitScript(
    ([wanted, least]) => {
      const look = () => {
        const isShown = document.querySelectorAll(String(wanted)).length >= Number(least);
        requestAnimationFrame(isShown ? () => performance.mark('shown') : look);
      };
      requestAnimationFrame(look);
    },
    [selector, count],
  );
  const all: Painted[] = [];
  for (let n = 0; n < times; n += 1) {
    const shown = () => performance.getEntriesByName('shown')[0]?.startTime;
    let wall = 0;
    const events = await traced(page, async () => {
      await page.reload();
      await until('the paint', async () => (wall = (await page.evaluate(shown)) ?? 0) > 0, 30);
    });
    const mark = events.find((e) => e.name === 'shown');
    const cpu = ofMain(events)
      .filter((e) => e.pid === mark?.pid && e.ts <= mark.ts)
      .reduce((sum, e) => sum + e.time, 0);
    all.push({ wall, cpu, at: await page.evaluate(milestones) });
  }
  return all;
}

export interface Trace {
  name: string;
  ph: string;
  tdur?: number;
  dur?: number;
  ts: number;
  pid: number;
  tid: number;
  args?: { name?: string };
}

export async function traced(page: Page, work: () => Promise<void>): Promise<Trace[]> {
  const session = await page.context().newCDPSession(page);
  const events: Trace[] = [];
  session.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as Trace[])));
  const includedCategories = ['toplevel', 'blink.user_timing', '__metadata'];
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories },
  });
  await work();
  const done = new Promise((resolve) => session.once('Tracing.tracingComplete', resolve));
  await session.send('Tracing.end');
  await done;
  return events;
}

// The tasks of pages' main threads, with their CPU milliseconds.
export function ofMain(events: Trace[]) {
  const threads = events.filter(
    (e) => e.name === 'thread_name' && e.args?.name === 'CrRendererMain',
  );
  const main = new Set(threads.map((e) => `${e.pid}/${e.tid}`));
  return events
    .filter((e) => e.ph === 'X' && e.name.endsWith('RunTask') && main.has(`${e.pid}/${e.tid}`))
    .map((e) => ({ ...e, time: (e.tdur ?? e.dur ?? 0) / 1000 }));
}
