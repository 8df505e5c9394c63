// A small gateway for the tests: the contract's routes over made-up namespaces, with the headers and
// the content policy of the real one. What it refuses, it refuses as the real one does.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join, normalize } from 'node:path';

import type { RunRow } from '../../src/api/types';
import { moveOn } from './large';
import { comparison, lineageOf, runAnswer, stepAnswer } from './answers';
import { act } from './acts';
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

export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly field?: string,
  ) {
    super(message);
  }
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
  token: string | undefined; // that everybody must bring, as on a cluster
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
      stream.response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
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
        throw new Refusal(401, 'Unauthorized', 'a bearer token is missing, or nobody has it');
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
        Object.fromEntries(names.map((name) => [name, ['list', 'get', 'create', 'patch']]));
      const me = {
        user: 'alice@example.com',
        groups: ['ml-leads'],
        mode: 'cluster',
        version: '9.9.9',
        namespaces: names,
        may,
      };
      return this.json(request, response, me);
    }
    if (parts[0] === 'events') return this.stream(query, request, response);
    const namespace = this.namespaces.get(parts[1] ?? '');
    if (parts[0] !== 'namespaces' || !namespace)
      throw new Refusal(404, 'NotFound', `there is no namespace ${parts[1]}`);
    const [, , kind, name = ''] = parts;
    if (kind === 'artifacts' && parts[4] === 'content') {
      const content = namespace.contents.get(`${name}/${parts.slice(5).join('/')}`);
      if (!content) throw new Refusal(404, 'NotFound', 'the artifact has no such file');
      response.writeHead(200, {
        'Content-Type': content.type,
        'Content-Security-Policy': REPORT_POLICY,
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
      if (!item) throw new Refusal(404, 'NotFound', `there is no ${kind} ${name}`);
      return item;
    };
    if (kind === 'runs' && !name) return this.page(namespace, query);
    if (kind === 'runs') {
      const run = named(namespace.runs.get(name));
      if (parts.length === 4) return runAnswer(run);
      const step = parts[5] ?? '';
      if (!run.steps.has(step))
        throw new Refusal(404, 'NotFound', `run ${name} has no step ${step}`);
      if (parts[6] === 'metrics') return { series: run.metrics.get(step) ?? [] };
      return stepAnswer(run, step);
    }
    if (kind === 'pipelines') {
      return name
        ? named(namespace.pipelines.find((p) => p.name === name))
        : { items: namespace.pipelines };
    }
    if (kind === 'models') {
      return name
        ? named(namespace.models.find((m) => m.name === name))
        : { items: namespace.models };
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
    const has = (row: RunRow) =>
      `${row.name} ${Object.values(row.labels ?? {}).join(' ')}`.toLowerCase().includes(words);
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
    const found = namespace.runs.get(run);
    const text =
      found?.logs.get(query.has('item') ? `${step}/${query.get('item')}` : step) ??
      found?.logs.get(step);
    if (!found || !found.steps.has(step)) throw new Refusal(404, 'NotFound', 'no such log');
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

  private stream(query: URLSearchParams, request: IncomingMessage, response: ServerResponse) {
    if (this.refuseStreams || this.streams.length >= MOST_STREAMS) {
      response.setHeader('Retry-After', '15');
      throw new Refusal(503, 'TooManyStreams', `there are ${MOST_STREAMS} streams already`);
    }
    const namespace = this.namespaces.get(query.get('namespace') ?? '');
    if (!namespace) throw new Refusal(403, 'Forbidden', 'a stream is of one namespace');
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    response.write('retry: 3000\n\n');
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
          throw new Refusal(403, 'Forbidden', 'the header X-Penstock-Request: 1 is missing');
        }
        const body = JSON.parse(text || '{}') as Record<string, unknown>;
        this.acts.push({ path: parts.slice(2).join('/'), body });
        const namespace = this.namespaces.get(parts[1] ?? '');
        if (!namespace) throw new Refusal(404, 'NotFound', `there is no namespace ${parts[1]}`);
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
