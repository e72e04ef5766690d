import type { FastifyReply, FastifyRequest } from 'fastify';
import { formatHostPort } from '../../lib/host-port.ts';
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

/** Aborted when the client leaves before it was answered. */
export function leavingSignal(reply: FastifyReply): AbortSignal {
  const leaving = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) leaving.abort();
  });
  return leaving.signal;
}
