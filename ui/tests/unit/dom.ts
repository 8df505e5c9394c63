// As much of a browser as the page's words and addresses need when they are loaded.
const kept = new Map<string, string>();
const storage = {
  getItem: (name: string) => kept.get(name) ?? null,
  setItem: (name: string, value: string) => void kept.set(name, value),
};
Object.assign(globalThis, {
  localStorage: storage,
  sessionStorage: storage,
  document: {
    documentElement: { dataset: {} },
    visibilityState: 'visible',
    addEventListener: () => undefined,
  },
  window: { addEventListener: () => undefined },
  location: { hash: '' },
  history: { replaceState: () => undefined },
  matchMedia: () => ({ matches: false, addEventListener: () => undefined }),
  setInterval: () => 0, // the clock of the page would keep the test running
});
Object.defineProperty(globalThis, 'navigator', {
  value: { language: 'en-US' },
  configurable: true,
});
