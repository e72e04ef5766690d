import { randomUUID } from 'node:crypto';

/** Reads a header or a metadata entry of the request by its lower-case name. */
export type HeaderLookup = (name: string) => string | undefined;

/** The names under which one call is found again. */
export interface RequestIds {
  /** The client's `x-request-id` when it is usable, else ours. A client may send one id with several attempts. */
  readonly requestId: string;
  /** Ours, and of this attempt alone. */
  readonly traceId: string;
}

/** What we take into logs and send back: visible ASCII, not endless. */
const usable = /^[\x21-\x7e]{1,128}$/;

export function requestIds(header: HeaderLookup): RequestIds {
  const given = header('x-request-id');
  return {
    requestId: given !== undefined && usable.test(given) ? given : randomUUID(),
    traceId: randomUUID(),
  };
}

/** How the ids are sent back, on success and on failure. */
export function requestIdHeaders({ requestId, traceId }: RequestIds): Record<string, string> {
  return { 'x-request-id': requestId, 'x-server-trace-id': traceId };
}
