// One event stream for all tabs of this browser: a browser opens six connections to a server, and
// the server bounds its streams. It is of what the tab that was looked at last looks at; the others
// ask by themselves.
import type { FromWorker, ToWorker, Topic } from './stream';

interface Tab {
  port: MessagePort;
  topics: Topic[];
}

const AT_ONCE = 200; // events in a message: what a page takes within a frame
const GATHER = 30; // milliseconds
const AGAIN = 15_000;

let tabs: Tab[] = []; // the one that was looked at last is last
let source: EventSource | undefined;
let open: Topic | undefined;
let gathered: [string, string][] = [];
let timer = 0;

const same = (a: Topic | undefined, b: Topic | undefined) =>
  a?.namespace === b?.namespace && a?.run === b?.run;

function tell(message: FromWorker) {
  for (const tab of tabs) tab.port.postMessage(message);
}

function give() {
  timer = 0;
  const events = gathered.splice(0, AT_ONCE);
  if (open && events.length > 0) tell({ topic: open, events });
  if (gathered.length > 0) timer = setTimeout(give, GATHER) as unknown as number;
}

function follow() {
  const topic = tabs.at(-1)?.topics.at(-1);
  if (same(topic, open) && source) return;
  source?.close();
  source = undefined;
  open = topic;
  gathered = [];
  tell({ connected: undefined });
  if (!topic) return;
  const query = new URLSearchParams(topic.run ? { ...topic } : { namespace: topic.namespace });
  const stream = (source = new EventSource(`/api/v1/events?${query}`));
  stream.onopen = () => tell({ connected: topic });
  // The browser opens it again by itself, except where the gateway refused (503: too many).
  stream.onerror = () => {
    tell({ connected: undefined });
    if (stream.readyState !== EventSource.CLOSED || stream !== source) return;
    setTimeout(() => {
      if (stream !== source) return;
      source = undefined;
      follow();
    }, AGAIN);
  };
  for (const event of ['run', 'step', 'reset']) {
    stream.addEventListener(event, (e) => {
      gathered.push([event, (e as MessageEvent<string>).data]);
      timer ||= setTimeout(give, GATHER) as unknown as number;
    });
  }
}

const scope = self as unknown as { onconnect: (event: MessageEvent) => void };
scope.onconnect = (event) => {
  const port = event.ports[0]!;
  port.onmessage = (message: MessageEvent<ToWorker>) => {
    tabs = tabs.filter((other) => other.port !== port);
    const { topics } = message.data;
    if (topics && topics.length > 0) tabs.push({ port, topics });
    follow();
    if (source?.readyState === EventSource.OPEN) port.postMessage({ connected: open });
  };
};
