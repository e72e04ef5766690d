/** Where the public service has its object store: clients that cannot be told of another one are led here by their names. */
const publicHosts: readonly string[] = ['storage.yandexcloud.net', 'storage.yandexcloud.kz'];

/** What a request is about: all buckets, one, or an object. */
export interface Target {
  readonly bucket: string | undefined;
  readonly key: string | undefined;
}

/**
 * What the host and the path of a request name, as S3 has it: `HOST/BUCKET/KEY`, or `BUCKET.HOST/KEY` where HOST is the public
 * service's or `isOurHost`. Undefined for a path that is not percent-encoded UTF-8.
 *
 * @param host may have a port
 * @param path percent-encoded
 */
export function targetOf(
  { host, path }: { readonly host: string; readonly path: string },
  isOurHost: (host: string) => boolean,
): Target | undefined {
  const bucketOfHost = bucketIn(host, isOurHost);
  const rest = path.replace(/^\//, '');
  try {
    if (bucketOfHost !== undefined) return { bucket: bucketOfHost, key: nonEmpty(decodeURIComponent(rest)) };
    const slash = rest.indexOf('/');
    const bucket = slash < 0 ? rest : rest.slice(0, slash);
    const key = slash < 0 ? '' : rest.slice(slash + 1);
    return { bucket: nonEmpty(decodeURIComponent(bucket)), key: nonEmpty(decodeURIComponent(key)) };
  } catch {
    return undefined;
  }
}

export function isPublicStorageHost(host: string): boolean {
  return publicHosts.includes(host) || publicHosts.some((known) => host.endsWith(`.${known}`));
}

/** The bucket in front of a host that is ours. Names of buckets may have dots. */
function bucketIn(hostAndPort: string, isOurHost: (host: string) => boolean): string | undefined {
  const host = hostAndPort.toLowerCase().replace(/:\d{1,5}$/, '');
  const known = publicHosts.find((each) => host.endsWith(`.${each}`));
  if (known !== undefined) return host.slice(0, -known.length - 1);
  if (publicHosts.includes(host) || host.length > 253 || isOurHost(host)) return undefined;
  for (let dot = host.indexOf('.'); dot >= 0; dot = host.indexOf('.', dot + 1)) {
    if (isOurHost(host.slice(dot + 1))) return host.slice(0, dot);
  }
  return undefined;
}

function nonEmpty(text: string): string | undefined {
  return text === '' ? undefined : text;
}
