import type { FastifyReply, FastifyRequest } from 'fastify';
import { formatHostPort } from '../../lib/host-port.ts';
import { callAddress } from '../call-address.ts';
import type { IncomingCall } from '../pipeline.ts';
import type { HeaderLookup } from '../request-ids.ts';

/** The request's headers; one that is repeated counts once, with its first value. */
export function headersOf(request: FastifyRequest): HeaderLookup {
  return (name) => {
    const value = request.headers[name];
    return Array.isArray(value) ? value[0] : value;
  };
}

/** The other end of the connection, for the log. */
export function peerOf({ socket }: FastifyRequest): string {
  const { remoteAddress, remotePort } = socket;
  return remoteAddress === undefined ? 'unknown' : formatHostPort({ host: remoteAddress, port: remotePort ?? 0 });
}

/** The path and the query of the request's target. */
export function splitTarget({ raw: { url: target = '' } }: FastifyRequest): [path: string, search: string] {
  const mark = target.indexOf('?');
  return mark < 0 ? [target, ''] : [target.slice(0, mark), target.slice(mark + 1)];
}

/** What a call says by the connection it came over, of whatever method it is. */
export function arrivalOf(
  request: FastifyRequest,
  reply: FastifyReply,
): Pick<IncomingCall<unknown>, 'door' | 'header' | 'address' | 'peer' | 'signal'> {
  return {
    door: 'rest',
    header: headersOf(request),
    address: callAddress(request.headers.host),
    peer: peerOf(request),
    signal: leavingSignal(reply),
  };
}

/** Aborted when the client leaves before it was answered. */
export function leavingSignal(reply: FastifyReply): AbortSignal {
  const leaving = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) leaving.abort();
  });
  return leaving.signal;
}
