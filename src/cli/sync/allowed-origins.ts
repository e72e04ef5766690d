import { describeUrl, UpstreamFailed } from './upstream-failed.ts';

/**
 * Reads what may stand under `origins`: `https://HOST[:PORT]`, or `https://*.DOMAIN[:PORT]` for every host below a
 * domain; http likewise. Undefined for anything else.
 */
export function parseOrigin(text: string): string | undefined {
  const [, scheme, wildcard = '', rest] = /^(https?):\/\/(\*\.)?([^/?#@*\s]+)$/i.exec(text) ?? [];
  if (scheme === undefined || rest === undefined) return undefined;
  const url = URL.parse(`${scheme}://${rest}`);
  return url === null ? undefined : `${url.protocol}//${wildcard}${url.host}`;
}

/** Whether an address is at the origin of `base`, or at one that the list names (parseOrigin's form). */
export function isAllowed(url: URL, base: string, origins: readonly string[]): boolean {
  if (url.origin === new URL(base).origin) return true;
  return origins.some((origin) => {
    const [scheme = '', host = ''] = origin.split('//');
    if (url.protocol !== scheme) return false;
    return host.startsWith('*.') ? url.host.endsWith(host.slice(1)) : url.host === host;
  });
}

/**
 * The address that an index at `indexUrl` means by `path`: a file's name or path relative to `base`, or a whole address.
 * Only http and https, no password, and no origin but the index's own and those that the list names.
 *
 * @throws UpstreamFailed
 */
export function resolveEntry(
  path: string,
  place: { readonly indexUrl: string; readonly base: string; readonly origins: readonly string[] },
): string {
  const url = URL.parse(/^https?:\/\//i.test(path) ? path : encodePath(path), place.base);
  const isWeb = url?.protocol === 'https:' || url?.protocol === 'http:';
  if (url === null || !isWeb || url.username !== '' || url.password !== '') {
    throw new UpstreamFailed(place.indexUrl, `names a file that has no usable address: ${JSON.stringify(path)}`);
  }
  if (!isAllowed(url, place.indexUrl, place.origins)) throw notAllowed(place.indexUrl, 'names a file at', url);
  return url.href;
}

/** @param does what the address did that leads elsewhere, for the message */
export function notAllowed(fromUrl: string, does: string, to: URL): UpstreamFailed {
  const remedy = `if that is meant, list ${to.origin} under "origins"`;
  return new UpstreamFailed(fromUrl, `${does} ${describeUrl(to.href)}, which is not of its origin; ${remedy}`);
}

/** A path on the publisher's disk as one of an address: nothing in it is a scheme, a host, a query or a fragment. */
function encodePath(path: string): string {
  const encoded = path.toWellFormed().split('/').map(encodeURIComponent).join('/');
  return `./${encoded.replaceAll('%3A', ':')}`;
}
