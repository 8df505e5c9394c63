// One event stream for all tabs of this browser, whatever each of them looks at: a browser opens
// six connections to a server, and the server bounds its streams.
import type { FromWorker, ToWorker, Topic } from './stream';

interface Tab {
  port: MessagePort;
  topics: Topic[];
}

const tabs = new Set<Tab>();
let source: EventSource | undefined;
let open = '';

// The narrowest stream that has all that is looked at.
function wanted(): string {
  const topics = [...tabs].flatMap((tab) => tab.topics);
  if (topics.length === 0) return '';
  const namespaces = new Set(topics.map((topic) => topic.namespace));
  const runs = new Set(topics.map((topic) => topic.run ?? ''));
  const query = new URLSearchParams();
  const [namespace = ''] = namespaces;
  const [run = ''] = runs;
  if (namespaces.size === 1) query.set('namespace', namespace);
  if (namespaces.size === 1 && runs.size === 1 && run) query.set('run', run);
  return `/api/v1/events?${query}`;
}

function tell(message: FromWorker) {
  for (const tab of tabs) tab.port.postMessage(message);
}

function follow() {
  const url = wanted();
  if (url === open) return;
  source?.close();
  source = undefined;
  open = url;
  tell({ connected: false });
  if (!url) return;
  const stream = (source = new EventSource(url));
  stream.onopen = () => tell({ connected: true });
  // The browser opens it again by itself, except where the gateway refused (503: too many).
  stream.onerror = () => {
    tell({ connected: false });
    if (stream.readyState === EventSource.CLOSED && stream === source) {
      open = '';
      setTimeout(follow, 15_000);
    }
  };
  for (const event of ['run', 'step', 'log'] as const) {
    stream.addEventListener(event, (e) => tell({ event, data: (e as MessageEvent<string>).data }));
  }
}

const scope = self as unknown as { onconnect: (event: MessageEvent) => void };
scope.onconnect = (event) => {
  const port = event.ports[0]!;
  const tab: Tab = { port, topics: [] };
  tabs.add(tab);
  port.onmessage = (message: MessageEvent<ToWorker>) => {
    if (message.data.topics) tab.topics = message.data.topics;
    else tabs.delete(tab);
    follow();
    if (source?.readyState === EventSource.OPEN) port.postMessage({ connected: true });
  };
};
