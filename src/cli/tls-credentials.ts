import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { type ChannelCredentials, type ClientOptions, credentials } from '@grpc/grpc-js';
import { parseHostPort } from '../lib/host-port.ts';
import { installationName } from '../lib/installation-name.ts';
import type { ServerPlace } from './find-server.ts';

/** What grpc-js needs to reach a server over TLS; without a CA Node's own list is trusted. */
export function tlsCredentials(server: ServerPlace): {
  readonly credentials: ChannelCredentials;
  readonly options: ClientOptions;
} {
  const roots = server.ca === undefined ? null : Buffer.from(server.ca);
  const named = askedName(server);
  if (named === undefined) return { credentials: credentials.createSsl(roots), options: {} };
  return {
    credentials: credentials.createSsl(roots, null, null, { checkServerIdentity: named.checkServerIdentity }),
    options: { 'grpc.ssl_target_name_override': named.servername },
  };
}

/** The same for what connects by Node's own TLS. */
export function tlsOptions(server: ServerPlace) {
  return { ...(server.ca === undefined ? {} : { ca: server.ca }), ...askedName(server) };
}

/**
 * What to call the server in the handshake where that is not its host; the certificate is held against the host all the
 * same. An installation shows its own certificate to who asks for it by its name. And TLS names no server by its address
 * (RFC 6066, 3), newer Nodes refuse to try, and grpc-js 1.14 tries: so another name is sent, which nobody looks at.
 */
function askedName({ endpoint, isInstallation }: ServerPlace) {
  const host = parseHostPort(endpoint)?.host ?? '';
  if (!isInstallation && isIP(host) === 0) return undefined;
  return {
    servername: isInstallation ? installationName : 'localhost',
    checkServerIdentity: (_name: string, certificate: PeerCertificate) => checkServerIdentity(host, certificate),
  };
}
