// A graph's box that has no size when the graph is drawn, and what is seen of the graph in it.
import assert from 'node:assert/strict';

import type { Locator, Page } from 'playwright-core';

import { until } from './harness';

// For addInitScript: the box is not shown until it is told to appear.
export function lateBox() {
  document.addEventListener('DOMContentLoaded', () => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync('html:not(.appeared) .graph { display: none; }');
    document.adoptedStyleSheets = [sheet];
  });
}

// For addInitScript: observers of sizes that are told nothing.
export function noObserver() {
  window.ResizeObserver = class {
    observe() {}
    unobserve() {}
    disconnect() {}
  };
}

export async function appear(page: Page, name: RegExp) {
  const graph = page.getByRole('group', { name, includeHidden: true });
  await graph.waitFor({ state: 'attached' });
  await page.waitForTimeout(200);
  await page.evaluate(() => document.documentElement.classList.add('appeared'));
}

export async function assertInView(page: Page, node: Locator) {
  const box = (await page.locator('.graph-box').boundingBox())!;
  const isIn = async () => {
    const at = await node.boundingBox();
    return (
      at !== null &&
      at.x >= box.x &&
      at.y >= box.y &&
      at.x + at.width <= box.x + box.width &&
      at.y + at.height <= box.y + box.height
    );
  };
  await until('the node in view', isIn, 2);
  assert.ok(await isIn());
}
