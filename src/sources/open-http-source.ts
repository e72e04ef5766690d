import type { AddressPolicy } from './address-policy.ts';
import { askFirst, sizeOf } from './first-answer.ts';
import { openConnections } from './guarded-connections.ts';
import type { ExchangeContext } from './http-exchange.ts';
import { DEFAULT_HTTP_LIMITS, type HttpLimits } from './http-limits.ts';
import { HttpLocation } from './http-location.ts';
import { HttpReader } from './http-reader.ts';
import { ReceiveRate } from './receive-rate.ts';
import type { OnSourcePhase, Source } from './source.ts';
import type { SourceIdentity } from './source-identity.ts';
import { describeUri, parseUri } from './source-uri.ts';

export interface HttpSourceOptions {
  /** An http or https address; user information in it is sent as Basic authorization, to its own origin only. */
  readonly uri: string;
  readonly policy: AddressPolicy;
  /**
   * Where this source may keep a copy of the file, with `<spoolPath>.json` beside it. One source at a time; the folder
   * exists.
   */
  readonly spoolPath: string;
  /** Ends everything at once: opening, reads, connections. */
  readonly signal?: AbortSignal | undefined;
  readonly limits?: Partial<HttpLimits> | undefined;
  /**
   * What the object was in an earlier run. Another object fails with `changed`, and so does one that cannot be compared.
   * If that run left a whole copy, the copy is used and the server not asked at all.
   */
  readonly expected?: SourceIdentity | undefined;
  /** Called for every piece of a body with the bytes received from the network so far, repeated ones included. */
  readonly onProgress?: ((receivedBytes: number) => void) | undefined;
  readonly onPhase?: OnSourcePhase | undefined;
  /** Certificates (PEM) trusted instead of Node's own list. */
  readonly ca?: string | undefined;
}

/**
 * Opens an object on an HTTP server for reading at random. Returns when its length is known: at once from servers that
 * give ranges, after a copy was made from others.
 *
 * Bytes read are always of one version of the object. Broken connections are continued from the byte they broke at.
 * Reads that turn out small and many, or repeated, make the source copy the file once (see ReadPattern) and answer from
 * the copy; a copy that a run left behind is used or continued by the next.
 *
 * @throws SourceFailed when opening fails, and from every read; the signal's reason when it aborts
 */
export async function openHttpSource(options: HttpSourceOptions): Promise<Source> {
  const url = parseUri(options.uri);
  options.signal?.throwIfAborted();
  const limits: HttpLimits = { ...DEFAULT_HTTP_LIMITS, ...options.limits };
  const connections = openConnections({ policy: options.policy, limits, ca: options.ca });
  const stopListening = closeOnAbort(options.signal, (reason) => connections.close(reason));
  let receivedBytes = 0;
  const context: ExchangeContext = {
    connections,
    limits,
    rate: new ReceiveRate(limits),
    onBytes(bytes) {
      receivedBytes += bytes;
      options.onProgress?.(receivedBytes);
    },
  };
  const location = new HttpLocation(url, context);
  const onPhase = options.onPhase ?? (() => {});
  try {
    const answer = await askFirst({
      location,
      limits,
      closed: connections.closed,
      spoolPath: options.spoolPath,
      expected: options.expected,
      onSpooling: (sizeBytes) => onPhase('spooling', sizeBytes),
    });
    onPhase('reading', sizeOf(answer));
    const { closed } = connections;
    const shared = { location, limits, closed, onPhase, spoolPath: options.spoolPath };
    return new HttpReader(answer, shared, () => {
      stopListening();
      connections.close(new SourceClosed(location.first));
    });
  } catch (error) {
    stopListening();
    connections.close(error);
    throw error;
  }
}

/** A read was asked of a source that was disposed, or was on its way then: the reader's mistake. */
export class SourceClosed extends Error {
  constructor(url: URL) {
    super(`${describeUri(url)}: the source was closed.`);
    this.name = 'SourceClosed';
  }
}

function closeOnAbort(signal: AbortSignal | undefined, close: (reason: unknown) => void): () => void {
  if (signal === undefined) return () => {};
  const onAbort = () => close(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  return () => signal.removeEventListener('abort', onAbort);
}
