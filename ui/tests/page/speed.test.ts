// What issue 21 asks of the page's speed, measured and printed. Frames are measured by the work that
// the page's main thread did for each, in CPU time (Chromium's trace), so that a busy machine does
// not count as the page's; first paints by the clock, the best of three.
import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import type { Page } from 'playwright-core';

import { gateway, inWorld, setUp, until } from './harness';

setUp();

const PAINT = 500; // ms
const FRAME = 16; // ms

interface Painted {
  wall: number; // milliseconds from the navigation
  cpu: number; // of them, what the page's main thread computed
}

// To the frame after `count` elements of `selector` were there; the best of three.
async function paint(page: Page, selector: string, count: number): Promise<Painted> {
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
  let best = { wall: Infinity, cpu: Infinity };
  for (let n = 0; n < 3; n += 1) {
    const shown = () => performance.getEntriesByName('shown')[0]?.startTime;
    let wall = 0;
    const events = await traced(page, async () => {
      await page.reload();
      await until('the paint', async () => (wall = (await page.evaluate(shown)) ?? 0) > 0);
    });
    const mark = events.find((e) => e.name === 'shown');
    const cpu = ofMain(events)
      .filter((e) => e.pid === mark?.pid && e.ts <= mark.ts)
      .reduce((sum, e) => sum + e.time, 0);
    if (wall < best.wall) best = { wall, cpu };
  }
  return best;
}

// The clock counts where the machine has time for the page. Where others take it (load of a
// processor over 1), what the page itself computed counts, doubled for what it waits for.
function isWithin({ wall, cpu }: Painted): boolean {
  return wall <= PAINT || (loadavg()[0]! > cpus().length && 2 * cpu <= PAINT);
}

const told = (what: string, { wall, cpu }: Painted) =>
  console.log(
    `first paint of ${what}: ${wall.toFixed(0)} ms, of them computing ${cpu.toFixed(0)} ms ` +
      `(at most ${PAINT}; load ${loadavg()[0]!.toFixed(1)} on ${cpus().length} processors)`,
  );

interface Trace {
  name: string;
  ph: string;
  tdur?: number;
  dur?: number;
  ts: number;
  pid: number;
  tid: number;
  args?: { name?: string };
}

async function traced(page: Page, work: () => Promise<void>): Promise<Trace[]> {
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
function ofMain(events: Trace[]) {
  const threads = events.filter(
    (e) => e.name === 'thread_name' && e.args?.name === 'CrRendererMain',
  );
  const main = new Set(threads.map((e) => `${e.pid}/${e.tid}`));
  return events
    .filter((e) => e.ph === 'X' && e.name.endsWith('RunTask') && main.has(`${e.pid}/${e.tid}`))
    .map((e) => ({ ...e, time: (e.tdur ?? e.dur ?? 0) / 1000 }));
}

async function tasks(page: Page, work: () => Promise<void>): Promise<number[]> {
  return ofMain(await traced(page, work))
    .map((e) => e.time)
    .sort((a, b) => b - a);
}

function report(what: string, times: number[]) {
  const at = (share: number) => (times[Math.floor(share * times.length)] ?? 0).toFixed(1);
  console.log(
    `${what}: ${times.length} tasks, longest ${at(0)} ms, 1 % over ${at(0.01)} ms, half over ${at(0.5)} ms`,
  );
}

inWorld(
  'a run of 5,000 steps is painted within half a second',
  { hash: '#/big/runs/five-thousand' },
  async (page) => {
    // The graph and the table beside it come in one rendering.
    const time = await paint(page, '.graph-and-table:has(canvas) .body .row', 10);
    told('5,000 steps', time);
    assert.ok(isWithin(time));
  },
);

inWorld(
  'a table of 10,000 runs is painted within half a second',
  { hash: '#/many/runs' },
  async (page) => {
    const time = await paint(page, '.runs .body .row', 10);
    told('10,000 runs', time);
    assert.ok(isWithin(time));
  },
);

inWorld(
  'a run of 5,000 steps changes within 16 ms a frame',
  { hash: '#/big/runs/five-thousand' },
  async (page) => {
    await page.getByRole('img', { name: 'Graph of 5000 steps' }).waitFor();
    await until('the stream', () => gateway.streams.some((s) => s.run === 'five-thousand'));
    await page.waitForTimeout(1500);
    const before = await page.locator('.counts .number').first().innerText();
    gateway.change('big', 'five-thousand', 200);
    const times = await tasks(page, () => page.waitForTimeout(4000));
    gateway.stopChanges();
    assert.notEqual(await page.locator('.counts .number').first().innerText(), before);
    report('5,000 steps, 200 changes a second', times);
    assert.ok(times[0]! <= FRAME, `${times[0]} ms`);
  },
);

inWorld(
  'the table of 10,000 runs scrolls within 16 ms a frame',
  { hash: '#/many/runs' },
  async (page) => {
    const table = page.getByRole('table', { name: 'Runs' });
    await table.getByText('run-10000').waitFor();
    for (
      let n = 0;
      n < 60 && (await page.getByText('10000 loaded', { exact: true }).count()) === 0;
      n += 1
    ) {
      await table.evaluate((element) => (element.scrollTop = element.scrollHeight));
      await page.waitForTimeout(60);
    }
    await page.getByText('10000 loaded', { exact: true }).waitFor();
    const times = await tasks(page, async () => {
      await table.evaluate(async (element) => {
        for (let n = 0; n < 150; n += 1) {
          element.scrollBy(0, 240);
          await new Promise(requestAnimationFrame);
        }
      });
    });
    report('10,000 runs, scrolled', times);
    assert.ok(times[Math.floor(times.length * 0.01)]! <= FRAME);
  },
);

test('the whole page is at most 80 KB compressed', () => {
  const sizes = ['dist', 'dist/assets'].flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.gz'))
      .map((name) => statSync(join(folder, name)).size),
  );
  const whole = sizes.reduce((a, b) => a + b, 0);
  console.log(`the whole page, compressed: ${whole} bytes (at most ${80 * 1024})`);
  assert.ok(whole <= 80 * 1024);
});
