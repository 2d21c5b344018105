// Addresses as state: reading and writing the query of the page's address. Pure.

export type Query = Record<string, string | string[] | undefined | null | number | boolean>;

/** A query string without '?', keys in the order given; empty, null and undefined are left out. */
export function buildQuery(q: Query): string {
  const p = new URLSearchParams();
  for (const [key, value] of Object.entries(q)) {
    for (const v of Array.isArray(value) ? value : [value]) {
      if (v === undefined || v === null || v === '' || v === false) continue;
      p.append(key, v === true ? '1' : String(v));
    }
  }
  return p.toString();
}

/** path plus query, '?' only when there is one. */
export function href(path: string, q: Query = {}): string {
  const s = buildQuery(q);
  return s ? `${path}?${s}` : path;
}

/** The query with some keys replaced (null removes). */
export function withQuery(current: URLSearchParams, change: Query): string {
  const p = new URLSearchParams(current);
  for (const [key, value] of Object.entries(change)) {
    p.delete(key);
    for (const v of Array.isArray(value) ? value : [value]) {
      if (v === undefined || v === null || v === '' || v === false) continue;
      p.append(key, v === true ? '1' : String(v));
    }
  }
  return p.toString();
}

/** Matches '/policy/rules/:id' against a path; null when it does not fit. */
export function matchPath(pattern: string, path: string): Record<string, string> | null {
  const a = pattern.split('/');
  const b = path.replace(/\/+$/, '').split('/');
  if (pattern === '/') return path === '/' ? {} : null;
  if (a.length !== b.length) return null;
  const params: Record<string, string> = {};
  for (let i = 0; i < a.length; i++) {
    if (a[i].startsWith(':')) {
      try {
        params[a[i].slice(1)] = decodeURIComponent(b[i]);
      } catch {
        return null;
      }
      if (!b[i]) return null;
    } else if (a[i] !== b[i]) return null;
  }
  return params;
}

/** Only a path of this page may be returned to after the login. */
export function safeNext(next: string | null): string {
  return next && /^\/(?![/\\])/.test(next) && !next.startsWith('/login') ? next : '/';
}
