import type { FastifyRequest } from 'fastify';
import { isLoopback, parseHostPort } from '../../lib/host-port.ts';

/** What proxies add: whoever is behind one is not known to be here. */
const forwardingHeaders = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip'];

/**
 * Whether a request was made on this machine and for it: the other end of the connection is here, it came by no proxy that
 * says so, and the client meant this machine by name, so that no web page in a browser here can ask under a name of its own.
 */
export function isFromThisMachine({ socket, headers }: Pick<FastifyRequest, 'headers'> & Peer): boolean {
  const { remoteAddress = '' } = socket;
  if (!isLoopback(remoteAddress.replace(/^::ffff:/i, ''))) return false;
  if (forwardingHeaders.some((name) => headers[name] !== undefined)) return false;
  const { host = '' } = headers;
  const meant = parseHostPort(host) ?? parseHostPort(`${host}:80`);
  return meant !== undefined && isLoopback(meant.host);
}

interface Peer {
  readonly socket: { readonly remoteAddress?: string | undefined };
}
