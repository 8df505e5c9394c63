// First paints and frames by the clock, with the median and the middle half of several, and beside
// them what the page itself computed: on a busy machine only the latter is the page's. Over the
// stand-in; `ui/test bench [TIMES]`. PENSTOCK_UI: another build of the page than dist.
import { cpus, loadavg } from 'node:os';
import { resolve } from 'node:path';

import { chromium, type Page } from 'playwright-core';

import { standIn } from '../standin/standin';
import { ofMain, paints, traced } from './trace';

const TIMES = Number(process.argv[2] ?? 15);
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const SECONDS = 5;

const at = (sorted: number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
const sort = (times: number[]) => [...times].sort((a, b) => a - b);
const ms = (value: number) => `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ms`;

function middle(times: number[]): string {
  const sorted = sort(times);
  return `${ms(at(sorted, 0.5))} (${ms(at(sorted, 0.25))} to ${ms(at(sorted, 0.75))})`;
}

function say(what: string, promise: string, texts: Record<string, string>) {
  console.log(`${what} (promised: ${promise})`);
  for (const [name, text] of Object.entries(texts)) console.log(`  ${name.padEnd(34)} ${text}`);
}

async function firstPaint(page: Page, url: string, what: string, selector: string) {
  await page.goto(url);
  const all = await paints(page, selector, 10, TIMES);
  say(`first paint of ${what}, ${TIMES} times`, 'at most 500 ms', {
    'by the clock': middle(all.map((one) => one.wall)),
    'computed by the main thread': middle(all.map((one) => one.cpu)),
    ...Object.fromEntries(
      Object.keys(all[0]?.at ?? {}).map((name) => [
        `  ${name}, at`,
        middle(all.map((one) => one.at[name] ?? NaN)),
      ]),
    ),
  });
}

// The time from each frame to the next, as the page sees it, and the CPU time of its tasks.
async function frames(page: Page, what: string, work: (page: Page) => Promise<void>) {
  await page.evaluate(() => {
    const gaps: number[] = [];
    Object.assign(window, { gaps });
    let last = performance.now();
    const next = (now: number) => {
      gaps.push(now - last);
      last = now;
      requestAnimationFrame(next);
    };
    requestAnimationFrame(next);
  });
  const tasks = sort(ofMain(await traced(page, () => work(page))).map((one) => one.time));
  const gaps = sort(
    await page.evaluate(() => (window as unknown as { gaps: number[] }).gaps.slice(2)),
  );
  const shares = (times: number[]) =>
    `median ${ms(at(times, 0.5))}, 99 % ${ms(at(times, 0.99))}, longest ${ms(at(times, 1))}`;
  say(what, 'at most 16 ms of work a frame', {
    'from frame to frame, by the clock': `${gaps.length} frames: ${shares(gaps)}`,
    'tasks of the main thread, CPU': `${tasks.length} tasks: ${shares(tasks)}`,
  });
}

const gateway = standIn(resolve(process.env.PENSTOCK_UI ?? 'dist'));
const base = await gateway.listen();
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
const load = () => `load ${loadavg()[0]!.toFixed(1)} on ${cpus().length} processors`;
try {
  console.log(load());
  const open = async () => (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
  const run = `${base}/#/big/runs/five-thousand`;
  const five = '.graph-and-table:has(canvas) .body .row';
  await firstPaint(await open(), run, 'a run of 5,000 steps', five);
  const many = `${base}/#/many/runs`;
  await firstPaint(await open(), many, 'a table of 10,000 runs', '.runs .body .row');
  const page = await open();
  await page.goto(run);
  await page.locator(five).first().waitFor();
  await page.waitForTimeout(1500);
  await frames(page, `5,000 steps, 200 changes a second, ${SECONDS} s`, async () => {
    gateway.change('big', 'five-thousand', 200);
    await page.waitForTimeout(1000 * SECONDS);
    gateway.stopChanges();
  });
  console.log(load());
} finally {
  await browser.close();
  await gateway.close();
}
