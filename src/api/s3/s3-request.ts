import type { FastifyRequest } from 'fastify';

/** A request as its client signed it: nothing of it is decoded, but for the query's names and values. */
export interface S3Request {
  readonly verb: string;
  /** As the client wrote it, with the port if it has one. */
  readonly host: string;
  /** Of the target, percent-encoded as the client did it. */
  readonly path: string;
  readonly query: readonly QueryParameter[];
  /** By lower-case name: every value, in order, as it came. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
}

export interface QueryParameter {
  readonly name: string;
  readonly value: string;
}

/** Whether a request is for this door: no other one has requests that are signed so. */
export function isSignedForS3({
  url = '',
  authorization = '',
}: {
  readonly url: string | undefined;
  readonly authorization: string | undefined;
}): boolean {
  return authorization.startsWith('AWS4-') || /[?&]X-Amz-Algorithm=AWS4-/i.test(url);
}

export function readS3Request({ method, originalUrl, raw }: FastifyRequest): S3Request {
  const headers = new Map<string, string[]>();
  for (let at = 0; at + 1 < raw.rawHeaders.length; at += 2) {
    const [name = '', value = ''] = [raw.rawHeaders[at], raw.rawHeaders[at + 1]];
    const values = headers.get(name.toLowerCase());
    if (values === undefined) headers.set(name.toLowerCase(), [value]);
    else values.push(value);
  }
  return { verb: method, host: headers.get('host')?.[0] ?? '', ...readTarget(originalUrl), headers };
}

/** The path and the query of a target. */
export function readTarget(target: string): Pick<S3Request, 'path' | 'query'> {
  const mark = target.indexOf('?');
  const [path, search] = mark < 0 ? [target, ''] : [target.slice(0, mark), target.slice(mark + 1)];
  const query = [...new URLSearchParams(search)].map(([name, value]) => ({ name, value }));
  return { path: path === '' ? '/' : path, query };
}

/** The value of a query's parameter, which is in any case; undefined when it is not there. */
export function parameterOf({ query }: Pick<S3Request, 'query'>, name: string): string | undefined {
  return query.find((parameter) => parameter.name.toLowerCase() === name.toLowerCase())?.value;
}

/** The first value of a header, by its lower-case name. */
export function headerOf({ headers }: Pick<S3Request, 'headers'>, name: string): string | undefined {
  return headers.get(name)?.[0]?.trim();
}
