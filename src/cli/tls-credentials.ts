import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import { type ChannelCredentials, type ClientOptions, credentials } from '@grpc/grpc-js';
import { parseHostPort } from '../lib/host-port.ts';

/** What grpc-js needs to reach an endpoint over TLS. `ca` is PEM; without it Node's own list is trusted. */
export function tlsCredentials(
  endpoint: string,
  ca: string | undefined,
): { readonly credentials: ChannelCredentials; readonly options: ClientOptions } {
  const roots = ca === undefined ? null : Buffer.from(ca);
  const host = parseHostPort(endpoint)?.host ?? '';
  if (isIP(host) === 0) return { credentials: credentials.createSsl(roots), options: {} };
  // TLS names no server by its address (RFC 6066, 3), newer Nodes refuse to try, and grpc-js 1.14 tries. So another name
  // is sent, which nobody looks at, and the certificate is still held against the address.
  return {
    credentials: credentials.createSsl(roots, null, null, {
      checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate),
    }),
    options: { 'grpc.ssl_target_name_override': 'localhost' },
  };
}
