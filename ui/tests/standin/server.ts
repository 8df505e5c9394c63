// A small gateway for the tests: the contract's routes over made-up namespaces, with the headers and
// the content policy of the real one. What it refuses, it refuses as the real one does.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join, normalize } from 'node:path';

import type { Model, Pipeline, RunRow } from '../../src/api/types';
import { moveOn } from './large';
import { comparison, lineageOf, runAnswer, stepAnswer } from './answers';
import { act } from './acts';
import { Refusal } from './refusal';
import { dice, gridOf, type Namespace } from './world';

export const POLICY =
  "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'";
const REPORT_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:";
const MOST_STREAMS = 4;

const TYPES: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};

const ALL = ['list', 'get', 'create', 'patch', 'approve', 'steer'];

const forbidden = (namespace: string | undefined) =>
  new Refusal(
    403,
    'Forbidden',
    `alice@example.com may not list pipelineruns in namespace ${namespace}`,
  );

const notFound = (kind: string, name: string, namespace: string) =>
  new Refusal(404, 'NotFound', `there is no ${kind.slice(0, -1)} ${name} in namespace ${namespace}`);

// Of the whole what a list has.
function rowOfPipeline(pipeline: Pipeline) {
  const { parameters, inputs, steps, approvals, triggers, spec, description, ...row } = pipeline;
  return row;
}

function rowOfModel({ model, history, conditions, url, ...row }: Model) {
  return row;
}

interface Stream {
  namespace: string | null;
  run: string | null;
  response: ServerResponse;
}

export class StandIn {
  readonly acts: { path: string; body: unknown }[] = [];
  streams: Stream[] = [];
  refuseStreams = false;
  may: Record<string, string[]> | undefined;
  mode: 'cluster' | 'local' = 'cluster';
  token: string | undefined; // that everybody must bring, as on a cluster
  private changes = 1; // the newest one's number
  private timer: NodeJS.Timeout | undefined;
  private readonly server: Server;

  constructor(
    readonly namespaces: Map<string, Namespace>,
    private readonly dist: string,
  ) {
    this.server = createServer((request, response) => this.answer(request, response));
  }

  async listen(port = 0): Promise<string> {
    await new Promise<void>((done) => this.server.listen(port, '127.0.0.1', done));
    const address = this.server.address();
    return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : port}`;
  }

  async close() {
    clearInterval(this.timer);
    for (const stream of this.streams) stream.response.end();
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }

  // Moves a run's steps on, `perSecond` of them, and tells whoever follows.
  change(namespace: string, name: string, perSecond: number) {
    clearInterval(this.timer);
    const run = this.namespaces.get(namespace)!.runs.get(name)!;
    const next = dice(1);
    this.timer = setInterval(() => {
      for (const step of moveOn(run, Math.ceil(perSecond / 20), next)) {
        this.tell('step', namespace, name, step);
      }
    }, 50);
  }

  stopChanges() {
    clearInterval(this.timer);
  }

  tell(event: string, namespace: string, run: string, data: unknown) {
    for (const stream of this.streams) {
      if (stream.namespace !== namespace || (stream.run && stream.run !== run)) continue;
      if (event === 'step' && !stream.run) continue;
      const id = event === 'step' ? '' : `id: ${(this.changes += 1)}\n`;
      stream.response.write(`event: ${event}\n${id}data: ${JSON.stringify(data)}\n\n`);
    }
  }

  private answer(request: IncomingMessage, response: ServerResponse) {
    response.setHeader('Content-Security-Policy', POLICY);
    response.setHeader('X-Content-Type-Options', 'nosniff');
    response.setHeader('Referrer-Policy', 'no-referrer');
    const url = new URL(request.url ?? '/', 'http://stand-in');
    try {
      if (!url.pathname.startsWith('/api/v1/')) return this.file(url, response);
      if (this.token && request.headers.authorization !== `Bearer ${this.token}`) {
        throw new Refusal(401, 'Unauthorized', 'the token is not accepted: unknown or expired');
      }
      const parts = url.pathname.slice('/api/v1/'.length).split('/').map(decodeURIComponent);
      if (request.method === 'POST') return this.post(request, response, parts);
      this.get(parts, url.searchParams, request, response);
    } catch (error) {
      this.refuse(response, error);
    }
  }

  private refuse(response: ServerResponse, error: unknown) {
    const of = error instanceof Refusal ? error : new Refusal(500, 'Internal', String(error));
    const { code, message, field } = of;
    response.writeHead(of.status, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ error: { code, message, ...(field ? { field } : {}) } }));
  }

  private file(url: URL, response: ServerResponse) {
    const name = url.pathname === '/' ? 'index.html' : normalize(url.pathname).slice(1);
    const path = join(this.dist, name);
    if (name.includes('..') || !existsSync(`${path}.gz`))
      throw new Refusal(404, 'NotFound', 'no such file');
    response.writeHead(200, {
      'Content-Type': TYPES[name.split('.').at(-1)!] ?? 'application/octet-stream',
      'Content-Encoding': 'gzip',
      'Cache-Control': name === 'index.html' ? 'no-store' : 'public, max-age=31536000, immutable',
    });
    response.end(readFileSync(`${path}.gz`));
  }

  private json(request: IncomingMessage, response: ServerResponse, body: unknown) {
    const text = JSON.stringify(body);
    const etag = `"${createHash('sha1').update(text).digest('hex')}"`;
    response.setHeader('ETag', etag);
    response.setHeader('Cache-Control', 'private, no-cache');
    if (request.headers['if-none-match'] === etag) {
      response.writeHead(304).end();
      return;
    }
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(text);
  }

  private get(
    parts: string[],
    query: URLSearchParams,
    request: IncomingMessage,
    response: ServerResponse,
  ) {
    if (parts[0] === 'me') {
      const names = [...this.namespaces.keys()];
      const may =
        this.may ??
        Object.fromEntries(names.map((name) => [name, [...ALL]]));
      const me = {
        user: 'alice@example.com',
        groups: ['ml-leads'],
        mode: this.mode,
        version: '9.9.9',
        namespaces: names,
        may,
        ...(this.mode === 'local' ? { flags: '--state /tmp/state' } : {}),
      };
      return this.json(request, response, me);
    }
    if (parts[0] === 'events') return this.stream(query, request, response);
    const namespace = this.namespaces.get(parts[1] ?? '');
    if (parts[0] !== 'namespaces') throw new Refusal(404, 'NotFound', 'nothing is there');
    if (!namespace) throw forbidden(parts[1]);
    const [, , kind, name = ''] = parts;
    if (kind === 'artifacts' && parts[4] === 'content') {
      const content = namespace.contents.get(`${name}/${parts.slice(5).join('/')}`);
      if (!content) throw new Refusal(404, 'NotFound', 'the artifact has no such file');
      response.writeHead(200, {
        'Content-Type': content.type,
        'Content-Security-Policy': REPORT_POLICY,
        'Cross-Origin-Resource-Policy': 'same-origin',
        'Cache-Control': 'private, max-age=31536000, immutable',
      });
      response.end(content.text);
      return;
    }
    if (kind === 'runs' && parts[6] === 'log')
      return this.log(namespace, name, parts[5]!, query, response);
    this.json(request, response, this.find(namespace, parts, query));
  }

  private find(namespace: Namespace, parts: string[], query: URLSearchParams): unknown {
    const [, , kind, name = ''] = parts;
    const named = <T>(item: T | undefined): T => {
      if (!item) throw notFound(kind!, name, parts[1]!);
      return item;
    };
    if (kind === 'runs' && !name) return this.page(namespace, query);
    if (kind === 'runs') {
      const run = named(namespace.runs.get(name));
      if (parts.length === 4) return runAnswer(run);
      const step = parts[5] ?? '';
      if (!run.steps.has(step))
        throw new Refusal(404, 'NotFound', `run ${name} has no step ${step}`);
      if (parts[6] === 'metrics') {
        // What came from the cache has the curves of the run that made it.
        const maker = namespace.runs.get(run.steps.get(step)!.cachedFrom ?? '') ?? run;
        this.podOf(namespace, maker.row.name, step, query);
        const item = query.get('item');
        return {
          series: maker.metrics.get(item ? `${step}/${item}` : step) ?? maker.metrics.get(step) ?? [],
        };
      }
      return stepAnswer(run, step);
    }
    if (kind === 'pipelines') {
      return name
        ? named(namespace.pipelines.find((p) => p.name === name))
        : { items: namespace.pipelines.map(rowOfPipeline) };
    }
    if (kind === 'models') {
      return name
        ? named(namespace.models.find((m) => m.name === name))
        : { items: namespace.models.map(rowOfModel) };
    }
    if (kind === 'artifacts') return named(namespace.artifacts.get(name));
    if (kind === 'grid')
      return gridOf(namespace, query.get('pipeline') ?? '', Number(query.get('limit') ?? 25));
    if (kind === 'lineage') return lineageOf(namespace, query);
    if (kind === 'compare')
      return comparison(query.getAll('runs').map((run) => named(namespace.runs.get(run))));
    throw new Refusal(404, 'NotFound', `there is no route ${kind}`);
  }

  private page(namespace: Namespace, query: URLSearchParams) {
    const limit = Math.min(500, Number(query.get('limit') ?? 50));
    const is = (row: RunRow, name: 'pipeline' | 'phase' | 'cause') =>
      !query.get(name) || row[name] === query.get(name);
    const words = (query.get('q') ?? '').toLowerCase();
    const has = (row: RunRow) => row.name.toLowerCase().includes(words);
    const rows = namespace.rows.filter(
      (row) => is(row, 'pipeline') && is(row, 'phase') && is(row, 'cause') && has(row),
    );
    const after = query.get('after');
    const from = after ? rows.findIndex((row) => row.name === after) + 1 : 0;
    const items = rows.slice(from, from + limit);
    return { items, ...(from + limit < rows.length ? { next: items.at(-1)!.name } : {}) };
  }

  private log(
    namespace: Namespace,
    run: string,
    step: string,
    query: URLSearchParams,
    response: ServerResponse,
  ) {
    const found = this.podOf(namespace, run, step, query);
    const text =
      found.logs.get(query.has('item') ? `${step}/${query.get('item')}` : step) ??
      found.logs.get(step);
    const bytes = Buffer.from(text ?? '');
    const tail = query.get('tail');
    const offset = tail
      ? Math.max(0, bytes.length - Number(tail))
      : Math.min(bytes.length, Number(query.get('offset') ?? 0));
    const part = bytes.subarray(
      offset,
      query.has('limit') ? offset + Number(query.get('limit')) : undefined,
    );
    const complete = !['Running', 'Waiting'].includes(found.steps.get(step)!.phase);
    response.writeHead(200, {
      'Content-Type': 'text/plain; charset=utf-8',
      'X-Log-Offset': String(offset),
      'X-Log-Size': String(bytes.length),
      'X-Log-Complete': String(complete),
    });
    response.end(part);
  }

  // As the gateway does: of what had no pod of its own there is neither log nor metrics.
  private podOf(namespace: Namespace, name: string, step: string, query: URLSearchParams) {
    const none = (why: string) => new Refusal(404, 'NotFound', `step ${step} ${why}`);
    const run = namespace.runs.get(name);
    const row = run?.steps.get(step);
    if (!run) throw notFound('runs', name, 'here');
    if (!row) throw none('has not started');
    if (row.items && !query.has('item')) throw none('runs once for each item: give item=0 to 11');
    if (!row.items && query.has('item')) throw none('is no loop: it has no items');
    if (row.run) throw none(`is a Pipeline: its run is ${row.run}`);
    if (row.cached) throw none(`came from the cache, made by run ${row.cachedFrom}`);
    if (!row.items && row.attempts === 0) throw none('has no pod yet');
    return run;
  }

  private stream(query: URLSearchParams, request: IncomingMessage, response: ServerResponse) {
    if (this.refuseStreams || this.streams.length >= MOST_STREAMS) {
      response.setHeader('Retry-After', '10');
      throw new Refusal(503, 'Overloaded', 'as many streams are open as may be; try again');
    }
    const namespace = this.namespaces.get(query.get('namespace') ?? '');
    if (!namespace) throw forbidden(query.get('namespace') ?? '');
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    response.write(`retry: 3000\n\nid: ${this.changes}\n\n`);
    // As the gateway does: who begins is told of every step.
    for (const step of namespace.runs.get(query.get('run') ?? '')?.steps.values() ?? []) {
      response.write(`event: step\ndata: ${JSON.stringify(step)}\n\n`);
    }
    const stream = { namespace: query.get('namespace'), run: query.get('run'), response };
    this.streams.push(stream);
    request.on('close', () => (this.streams = this.streams.filter((other) => other !== stream)));
  }

  private post(request: IncomingMessage, response: ServerResponse, parts: string[]) {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      try {
        if (request.headers['x-penstock-request'] !== '1') {
          throw new Refusal(403, 'Forbidden', 'writes need the header X-Penstock-Request: 1');
        }
        const body = JSON.parse(text || '{}') as Record<string, unknown>;
        this.acts.push({ path: parts.slice(2).join('/'), body });
        const namespace = this.namespaces.get(parts[1] ?? '');
        if (!namespace) throw forbidden(parts[1]);
        const done = act(namespace, parts.slice(2), body);
        response.writeHead(done.status, {
          'Content-Type': 'application/json',
          'X-Penstock-Command': done.command,
        });
        response.end(JSON.stringify(done.body));
      } catch (error) {
        this.refuse(response, error);
      }
    });
  }
}
