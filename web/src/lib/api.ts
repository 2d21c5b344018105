// The client of /api/v1: adds the CSRF token, reads problem documents, tells the session when it has ended.
import { said } from './i18n.svelte';
import type { Fault, Problem } from './types';

export const BASE = '/api/v1';

export class ApiError extends Error {
  status: number;
  problem: Problem;
  constructor(status: number, problem: Problem) {
    super(problem.detail || problem.title);
    this.status = status;
    this.problem = problem;
  }
  get faults(): Fault[] {
    return this.problem.errors ?? [];
  }
}

export interface Answer<T> { data: T; etag: string | null; location: string | null; status: number }
interface Options { etag?: string | null; signal?: AbortSignal; raw?: BodyInit; type?: string; text?: boolean; quiet?: boolean }

let csrf: string | null = null;
let onGone: () => void = () => {};

export function setCsrf(token: string | null) {
  csrf = token;
}
export function onSessionGone(f: () => void) {
  onGone = f;
}

async function problemOf(r: Response): Promise<Problem> {
  try {
    const body = (await r.json()) as Problem;
    if (body && typeof body.title === 'string') return body;
  } catch {
    /* not JSON: said below */
  }
  return { type: 'about:blank', title: `The server answered ${r.status}.`, status: r.status };
}

async function call<T>(method: string, path: string, body: unknown, o: Options = {}): Promise<Answer<T>> {
  const headers: Record<string, string> = { Accept: o.text ? '*/*' : 'application/json' };
  let payload: BodyInit | undefined;
  if (o.raw !== undefined) {
    payload = o.raw;
    headers['Content-Type'] = o.type ?? 'application/octet-stream';
  } else if (body !== undefined) {
    payload = JSON.stringify(body);
    headers['Content-Type'] = 'application/json';
  }
  if (method !== 'GET' && csrf) headers['X-CSRF-Token'] = csrf;
  if (o.etag) headers['If-Match'] = o.etag;
  let r: Response;
  try {
    r = await fetch(BASE + path, { method, headers, body: payload, signal: o.signal, credentials: 'same-origin', cache: 'no-store' });
  } catch (e) {
    if ((e as Error).name === 'AbortError') throw e;
    throw new ApiError(0, { type: 'about:blank', title: 'The admin server does not answer. The proxy may well be running.', status: 0 });
  }
  if (!r.ok) {
    const problem = await problemOf(r);
    if (r.status === 401 && !o.quiet) onGone();
    throw new ApiError(r.status, problem);
  }
  const data = r.status === 204 ? undefined : o.text ? await r.text() : await r.json().catch(() => undefined);
  return { data: data as T, etag: r.headers.get('ETag'), location: r.headers.get('Location'), status: r.status };
}

export const api = {
  get: async <T>(path: string, o?: Options) => (await call<T>('GET', path, undefined, o)).data,
  text: async (path: string, o?: Options) => (await call<string>('GET', path, undefined, { ...o, text: true })).data,
  full: <T>(path: string, o?: Options) => call<T>('GET', path, undefined, o),
  post: async <T>(path: string, body?: unknown, o?: Options) => (await call<T>('POST', path, body, o)).data,
  send: <T>(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown, o?: Options) => call<T>(method, path, body, o),
};

/** GETs a document with its ETag, for edit-and-put. */
export async function load<T>(path: string): Promise<{ data: T; etag: string | null }> {
  const a = await call<T>('GET', path, undefined);
  return { data: a.data, etag: a.etag };
}

/** Sends a file with progress 0..1 of the upload; answers the job's address. */
export function upload(path: string, file: Blob, progress: (part: number) => void, signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const x = new XMLHttpRequest();
    x.open('POST', BASE + path);
    x.setRequestHeader('Content-Type', 'application/octet-stream');
    x.setRequestHeader('Accept', 'application/json');
    if (csrf) x.setRequestHeader('X-CSRF-Token', csrf);
    x.upload.onprogress = (e) => e.lengthComputable && progress(e.loaded / e.total);
    x.onerror = () => reject(new ApiError(0, { type: 'about:blank', title: 'The connection broke while sending the file.', status: 0 }));
    x.onabort = () => reject(new DOMException('cancelled', 'AbortError'));
    x.onload = () => {
      let body: unknown;
      try {
        body = JSON.parse(x.responseText);
      } catch {
        body = { type: 'about:blank', title: `The server answered ${x.status}.`, status: x.status };
      }
      if (x.status < 300) resolve(body);
      else reject(new ApiError(x.status, body as Problem));
    };
    signal.addEventListener('abort', () => x.abort());
    x.send(file);
  });
}

export function messageOf(e: unknown): string {
  if (e instanceof ApiError) {
    return said(e.faults[0]?.message || e.problem.detail || e.problem.title);
  }
  return said(e instanceof Error ? e.message : String(e));
}

/** Faults whose pointer is this one or below it. */
export function faultsAt(faults: Fault[], pointer: string): Fault[] {
  return faults.filter((f) => f.pointer === pointer || f.pointer.startsWith(pointer + '/'));
}
