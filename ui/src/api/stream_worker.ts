// One event stream for all tabs of this browser: a browser opens six connections to a server, and
// the server bounds its streams. It is of what the tab that was looked at last looks at; the others
// ask by themselves.
import type { FromWorker, ToWorker, Topic } from './stream';

interface Tab {
  port: MessagePort;
  topics: Topic[];
  headers: Record<string, string>;
}

const AT_ONCE = 200; // events in a message: what a page takes within a frame
const GATHER = 30; // milliseconds
const AGAIN = 3000;
const REFUSED = 15_000; // as many streams are open as may be

let tabs: Tab[] = []; // the one that was looked at last is last
let open: Topic | undefined;
let stream: AbortController | undefined;
let isConnected = false;
let gathered: [string, string][] = [];
let timer: unknown;

const same = (a: Topic | undefined, b: Topic | undefined) =>
  a?.namespace === b?.namespace && a?.run === b?.run;

function tell(message: FromWorker) {
  for (const tab of tabs) tab.port.postMessage(message);
}

function connect(connected: boolean) {
  isConnected = connected;
  tell({ connected: connected ? open : undefined });
}

function give() {
  timer = undefined;
  const events = gathered.splice(0, AT_ONCE);
  if (open && events.length > 0) tell({ topic: open, events });
  if (gathered.length > 0) timer = setTimeout(give, GATHER);
}

function follow() {
  const tab = tabs.at(-1);
  const topic = tab?.topics.at(-1);
  if (same(topic, open) && stream) return;
  stream?.abort();
  stream = undefined;
  open = topic;
  gathered = [];
  connect(false);
  if (topic) void keep(topic, tab!.headers, (stream = new AbortController()).signal);
}

// Not by EventSource, which sends no token.
async function keep(topic: Topic, headers: Record<string, string>, signal: AbortSignal) {
  const query = new URLSearchParams(topic.run ? { ...topic } : { namespace: topic.namespace });
  let last = '';
  while (!signal.aborted) {
    let wait = AGAIN;
    try {
      const resume: Record<string, string> = last ? { 'Last-Event-ID': last } : {};
      const response = await fetch(`/api/v1/events?${query}`, {
        headers: { ...headers, ...resume },
        signal,
      });
      if (response.ok && response.body) {
        connect(true);
        last = await read(response.body, last);
      } else {
        wait = REFUSED;
      }
    } catch {
      // It broke off, or is not wanted any more; either is seen below.
    }
    if (signal.aborted) return;
    connect(false);
    await new Promise((done) => setTimeout(done, wait));
  }
}

// Until its end; the id of its last event.
async function read(body: ReadableStream<Uint8Array>, last: string): Promise<string> {
  const reader = body.pipeThrough(new TextDecoderStream() as never).getReader();
  let text = '';
  for (;;) {
    const { done, value } = (await reader.read()) as { done: boolean; value?: string };
    if (done) return last;
    const blocks = (text + value).split('\n\n');
    text = blocks.pop()!;
    for (const block of blocks) {
      const field = (name: string) =>
        block
          .split('\n')
          .filter((line) => line.startsWith(`${name}: `))
          .map((line) => line.slice(name.length + 2))
          .join('\n');
      last = field('id') || last;
      if (field('event')) gathered.push([field('event'), field('data')]);
    }
    if (gathered.length > 0) timer ??= setTimeout(give, GATHER);
  }
}

const scope = self as unknown as { onconnect: (event: MessageEvent) => void };
scope.onconnect = (event) => {
  const port = event.ports[0]!;
  port.onmessage = (message: MessageEvent<ToWorker>) => {
    tabs = tabs.filter((other) => other.port !== port);
    const { topics, headers = {} } = message.data;
    if (topics && topics.length > 0) tabs.push({ port, topics, headers });
    follow();
    if (isConnected) port.postMessage({ connected: open });
  };
};
