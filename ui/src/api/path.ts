// Addresses of the gateway's API. Pure.
const BASE = '/api/v1';

// A path with each part escaped: names come from users.
export function path(parts: string[], query: Record<string, string | number | undefined> = {}) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') search.set(name, String(value));
  }
  const text = search.toString();
  return `${BASE}/${parts.map(encodeURIComponent).join('/')}${text ? `?${text}` : ''}`;
}

export function inNamespace(
  namespace: string,
  parts: string[],
  query: Record<string, string | number | undefined> = {},
) {
  return path(['namespaces', namespace, ...parts], query);
}
