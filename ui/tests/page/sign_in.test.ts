// On a cluster the gateway wants a bearer token of whoever asks.
import assert from 'node:assert/strict';

import { gateway, inWorld, setUp, until } from './harness';

setUp();

inWorld(
  'who is not known is asked for a token, which every request then brings',
  { hash: '#/ml/runs/flights-42', expected: /401/ },
  async (page) => {
    gateway.token = 'a-token';
    await page.reload();
    await page.getByText('the token is not accepted: unknown or expired').waitFor();
    await page.getByLabel('Token').fill('another');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByLabel('Token').fill('a-token');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: /flights-42/ }).waitFor();
    await until('the stream', () => gateway.streams.some((s) => s.run === 'flights-42'));
    await page.goto(`${page.url().split('#')[0]}#/ml/runs/flights-41?step=ingest&tab=log`);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download' }).click(),
    ]);
    assert.equal(download.suggestedFilename(), 'flights-41-ingest.log');
    assert.equal(await page.evaluate(() => localStorage.getItem('penstock.token')), null);
    gateway.token = undefined;
  },
);

inWorld(
  'a report is shown to who came with a token, in the same frame',
  { hash: '#/ml/runs', expected: /401|sandboxed|Content Security Policy|Not allowed/i },
  async (page) => {
    const { REPORT } = await import('../standin/artifacts');
    gateway.token = 'a-token';
    await page.evaluate(() => sessionStorage.setItem('penstock.token', 'a-token'));
    await page.goto(`${page.url().split('#')[0]}#/ml/artifacts/${REPORT}`);
    await page.reload();
    await page
      .frameLocator('iframe')
      .getByRole('heading', { name: 'Evaluation of flights' })
      .waitFor();
    assert.equal(await page.locator('iframe').getAttribute('sandbox'), '');
    assert.doesNotMatch(await page.title(), /escaped/);
    gateway.token = undefined;
  },
);
