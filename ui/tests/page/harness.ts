// A browser over the stand-in, over the gateway that PENSTOCK_PAGE_URL names, or over one that a test
// starts. Whatever a test does, the page may log no error, break no rule of its content policy and
// ask no other host.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';

import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';

import type { StandIn } from '../standin/server';
import { standIn } from '../standin/standin';

export const REAL = process.env.PENSTOCK_PAGE_URL;
const TOKEN = process.env.PENSTOCK_PAGE_TOKEN; // of a cluster's gateway, which has no entrance
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

let browser: Browser;
let entrance = ''; // the address that lets a browser in; empty: any does
export let base = '';
export let gateway: StandIn;

// What serves the page in the stand-in's place: `start` gives the address that it prints.
export interface Served {
  lacks?: string; // why it cannot be started
  start: () => Promise<string>;
}
let served: Served | undefined = REAL ? { start: () => Promise.resolve(REAL) } : undefined;

export function setUp(by?: Served) {
  served = by ?? served;
  before(async () => {
    if (whyNot()) return;
    // A cluster's certificate is made for the Service's name; shared workers look at it too.
    const args = ['--no-sandbox', ...(TOKEN ? ['--ignore-certificate-errors'] : [])];
    browser = await chromium.launch({ executablePath: CHROMIUM, args });
    if (served) {
      entrance = await served.start();
      base = new URL(entrance).origin;
    } else {
      gateway = standIn(resolve('dist'));
      base = await gateway.listen();
    }
  });
  after(async () => {
    await browser?.close();
    await gateway?.close();
  });
}

export interface Opened {
  page: Page;
  troubles: string[];
}

// `token`: whose; null: nobody's.
export type Who = { token?: string | null };

export async function open(hash: string, options: BrowserContextOptions & Who = {}): Promise<Opened> {
  const { token = TOKEN, ...more } = options;
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    locale: 'en-US',
    ...more,
  });
  if (token)
    await context.addInitScript((t) => sessionStorage.setItem('penstock.token', t), token);
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: base });
  const page = await context.newPage();
  const troubles: string[] = [];
  page.on('console', (message) => {
    if (message.type() !== 'error' && message.type() !== 'warning') return;
    // What could not be had says itself only how that ended.
    const { url } = message.location();
    const what = message.text();
    troubles.push(what.startsWith('Failed to load resource') ? `${what} ${url}` : what);
  });
  page.on('pageerror', (error) => troubles.push(String(error)));
  await context.route(
    (url) => url.origin !== base && url.protocol !== 'data:' && url.protocol !== 'blob:',
    (route) => {
      troubles.push(`asked another host: ${route.request().url()}`);
      return route.abort();
    },
  );
  if (entrance) await page.goto(entrance);
  await page.goto(`${base}/${hash}`);
  return { page, troubles };
}

interface Options extends BrowserContextOptions, Who {
  hash: string;
  expected?: RegExp; // troubles that the test brings about itself
}

// Of the stand-in's world: over another gateway there is no such run.
export function inWorld(name: string, options: Options, body: (page: Page) => Promise<void>) {
  test(name, { skip: whyNot() ?? (served ? 'needs the stand-in' : false) }, run(options, body));
}

export function anywhere(name: string, options: Options, body: (page: Page) => Promise<void>) {
  test(name, { skip: whyNot() ?? false }, run(options, body));
}

export function whyNot(): string | undefined {
  return existsSync(CHROMIUM) ? served?.lacks : `there is no ${CHROMIUM}`;
}

function run(options: Options, body: (page: Page) => Promise<void>) {
  return async (_: TestContext) => {
    const { hash, expected, ...context } = options;
    const { page, troubles } = await open(hash, context);
    try {
      await body(page);
      const left = troubles.filter((text) => !expected?.test(text));
      assert.deepEqual(left, []);
    } finally {
      await page.context().close();
    }
  };
}

// Until it holds, or these seconds are over.
export async function until(what: string, holds: () => Promise<boolean> | boolean, seconds = 5) {
  const end = Date.now() + 1000 * seconds;
  while (!(await holds())) {
    if (Date.now() > end) assert.fail(`did not come: ${what}`);
    await new Promise((done) => setTimeout(done, 30));
  }
}

// What the gateway answers, with a change that a test makes of it.
export async function answerWith<T>(page: Page, url: string, change: (body: T) => void) {
  await page.route(url, async (route) => {
    const response = await route.fetch();
    const json = (await response.json()) as T;
    change(json);
    await route.fulfill({ response, json });
  });
}

export const hashOf = (page: Page) => page.evaluate(() => location.hash);
