// Requests to the gateway that served this page, and to nobody else.
import { early } from './early';
import { authorization, loginAt, refused } from './token';

export { inNamespace, path } from './path';

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly field?: string,
  ) {
    super(message);
  }
}

async function refusal(response: Response): Promise<ApiError> {
  let code = response.statusText || String(response.status);
  let message = `HTTP ${response.status}`;
  let field: string | undefined;
  try {
    const body = (await response.json()) as {
      error?: { code?: string; message?: string; field?: string };
    };
    code = body.error?.code ?? code;
    message = body.error?.message ?? message;
    field = body.error?.field;
  } catch {
    // Not of the gateway: a proxy between answers in its own words, and the status says enough.
  }
  // What is asked besides is given up then, unread: the first says why.
  if (response.status === 401) {
    loginAt.value = response.headers.get('X-Penstock-Login') ?? '';
    refused.value ||= message;
  }
  return new ApiError(response.status, code, message, field);
}

async function send(url: string, init: RequestInit): Promise<Response> {
  try {
    const headers = { ...(init.headers as Record<string, string>), ...authorization() };
    return await fetch(url, { credentials: 'same-origin', ...init, headers });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiError(0, 'Unreachable', String((error as Error).message ?? error));
  }
}

export interface Answer<T> {
  body: T;
  etag: string | null;
}

// `undefined` when it is still what `etag` names.
export async function get<T>(
  url: string,
  etag?: string | null,
  signal?: AbortSignal,
): Promise<Answer<T> | undefined> {
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (etag) headers['If-None-Match'] = etag;
  // The page keeps the tag itself; the browser's own cache would answer 200 in place of 304.
  const begun = etag ? undefined : await early(url);
  const response = begun ?? (await send(url, { headers, signal, cache: 'no-store' }));
  if (response.status === 304) return undefined;
  if (!response.ok) throw await refusal(response);
  return { body: (await response.json()) as T, etag: response.headers.get('ETag') };
}

// What a link cannot ask for, as it sends no token.
export async function getBlob(url: string): Promise<Blob> {
  const response = await send(url, {});
  if (!response.ok) throw await refusal(response);
  return response.blob();
}

export interface LogPart {
  bytes: Uint8Array;
  offset: number;
  size: number;
  complete: boolean;
}

export async function getLog(url: string, signal?: AbortSignal): Promise<LogPart> {
  const response = await send(url, { signal, cache: 'no-store' });
  if (!response.ok) throw await refusal(response);
  const bytes = new Uint8Array(await response.arrayBuffer());
  const offset = Number(response.headers.get('X-Log-Offset') ?? 0);
  return {
    bytes,
    offset,
    size: Number(response.headers.get('X-Log-Size') ?? offset + bytes.length),
    complete: response.headers.get('X-Log-Complete') === 'true',
  };
}

// `X-Penstock-Request` is what no form of another site can send.
export async function post<T>(url: string, body: unknown): Promise<T> {
  const response = await send(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Penstock-Request': '1' },
    body: JSON.stringify(body ?? {}),
  });
  if (!response.ok) throw await refusal(response);
  return (await response.json()) as T;
}
