// A picture of each view, over the stand-in: node .test/page/shots.mjs FOLDER
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';

import { chromium, type BrowserContextOptions } from 'playwright-core';

import { standIn } from '../standin/standin';
import { digest } from '../standin/world';

interface Shot extends BrowserContextOptions {
  hash: string;
  click?: string;
}

const SHOTS: Record<string, Shot> = {
  runs: { hash: '#/ml/runs' },
  run: { hash: '#/ml/runs/flights-42' },
  step: { hash: '#/ml/runs/churn-18?step=train' },
  log: { hash: '#/ml/runs/churn-18?step=train&tab=log', colorScheme: 'dark' },
  curves: { hash: '#/ml/runs/flights-42?step=train&tab=curves' },
  timeline: { hash: '#/ml/runs/flights-40?view=timeline' },
  'five-thousand-steps': { hash: '#/big/runs/five-thousand', colorScheme: 'dark' },
  grid: { hash: '#/ml/grid?pipeline=flights' },
  compare: { hash: '#/ml/compare?runs=flights-40,flights-37,flights-34' },
  pipeline: { hash: '#/ml/pipelines/flights' },
  'run-form': { hash: '#/ml/pipelines/flights', click: 'button.primary' },
  approve: { hash: '#/ml/runs/flights-41?step=go', click: '.ask button' },
  rerun: { hash: '#/ml/runs/flights-31', click: '.run-head button' },
  model: { hash: '#/ml/models/flights', click: 'summary' },
  lineage: { hash: '#/ml/lineage?model=flights' },
  data: { hash: `#/ml/artifacts/${digest(76)}` },
  rows: { hash: `#/ml/artifacts/${digest(78)}` },
  report: { hash: `#/ml/artifacts/${digest(77)}` },
  korean: { hash: '#/ml/runs', locale: 'ko-KR' },
  narrow: { hash: '#/ml/runs', viewport: { width: 320, height: 640 } },
};

const folder = process.argv[2] ?? 'shots';
mkdirSync(folder, { recursive: true });
const gateway = standIn(resolve('dist'));
const base = await gateway.listen();
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
for (const [name, { hash, click, ...options }] of Object.entries(SHOTS)) {
  const context = await browser.newContext({
    viewport: { width: 1120, height: 660 },
    locale: 'en-US',
    ...options,
  });
  const page = await context.newPage();
  await page.goto(`${base}/${hash}`);
  await page.locator('main h1').first().waitFor({ state: 'attached' });
  await page.waitForTimeout(1200);
  if (click) await page.locator(click).first().click();
  await page.waitForTimeout(300);
  await page.screenshot({ path: `${folder}/${name}.png` });
  await context.close();
}
await browser.close();
await gateway.close();
