// What the gateway tells as it happens. Without a stream (none left, or a browser without shared
// workers) `connected` stays false, and who asks by itself asks more often.
import { signal } from '@preact/signals';

export interface Topic {
  namespace: string;
  run?: string;
}
export type ToWorker = { topics?: Topic[] };
export type FromWorker =
  | { connected: boolean }
  | { event: 'run' | 'step' | 'log'; data: string };

type Handler = (event: 'run' | 'step' | 'log', data: Record<string, unknown>) => void;

declare const STREAM_WORKER: string; // its address, put in by the build

export const connected = signal(false);
const followers = new Map<Handler, Topic>();
let worker: SharedWorker | undefined;

function start(): SharedWorker | undefined {
  if (worker || typeof SharedWorker === 'undefined') return worker;
  worker = new SharedWorker(STREAM_WORKER, { name: 'penstock-events' });
  worker.port.onmessage = (message: MessageEvent<FromWorker>) => {
    const told = message.data;
    if ('connected' in told) {
      connected.value = told.connected;
      return;
    }
    const data = JSON.parse(told.data) as Record<string, unknown>;
    for (const handler of followers.keys()) handler(told.event, data);
  };
  window.addEventListener('pagehide', () => worker?.port.postMessage({}));
  window.addEventListener('pageshow', (event) => event.persisted && tell());
  return worker;
}

function tell() {
  start()?.port.postMessage({ topics: [...followers.values()] });
}

// Until the function that it gives is called.
export function follow(topic: Topic, handler: Handler): () => void {
  followers.set(handler, topic);
  tell();
  return () => {
    followers.delete(handler);
    tell();
  };
}
