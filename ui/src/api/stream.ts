// What the gateway tells as it happens. Without a stream (none left, another tab has it, or a browser
// without shared workers) `connected` names another topic or none, and who follows asks by itself.
import { signal } from '@preact/signals';

import { authorization } from './token';

export interface Topic {
  namespace: string;
  run?: string;
}
export type ToWorker = { topics?: Topic[]; headers?: Record<string, string> };
export type FromWorker =
  { connected: Topic | undefined } | { topic: Topic; events: [string, string][] };

export type Told = 'run' | 'step' | 'reset';
type Handler = (event: Told, data: unknown) => void;

declare const STREAM_WORKER: string; // its address, put in by the build

export const connected = signal<Topic | undefined>(undefined);
const followers = new Map<Handler, Topic>();
let worker: SharedWorker | undefined;

export const isFollowed = (topic: Topic) =>
  connected.peek()?.namespace === topic.namespace && connected.peek()?.run === topic.run;

function start(): SharedWorker | undefined {
  if (worker || typeof SharedWorker === 'undefined') return worker;
  worker = new SharedWorker(STREAM_WORKER, { name: 'penstock-events' });
  worker.port.onmessage = (message: MessageEvent<FromWorker>) => {
    const told = message.data;
    if ('connected' in told) {
      connected.value = told.connected;
      return;
    }
    for (const [handler, topic] of followers) {
      if (topic.namespace !== told.topic.namespace || topic.run !== told.topic.run) continue;
      for (const [event, data] of told.events) handler(event as Told, JSON.parse(data));
    }
  };
  window.addEventListener('pagehide', () => worker?.port.postMessage({}));
  window.addEventListener('pageshow', (event) => event.persisted && tell());
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') tell();
  });
  return worker;
}

function tell() {
  start()?.port.postMessage({ topics: [...followers.values()], headers: authorization() });
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
