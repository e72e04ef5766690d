import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import { SocketReader } from './socket-reader.ts';

/**
 * Says `goAhead` and puts TLS on the socket, whose bytes nobody else may read any more. Undefined if the client and
 * we can't agree on TLS; then the connection is gone. Whoever wants to wait no longer destroys the socket.
 *
 * The reader listens from the first moment, so that nothing that comes right behind the client's last handshake
 * message is missed.
 */
export async function startTls(
  socket: Socket,
  goAhead: Buffer,
  secureContext: SecureContext,
): Promise<{ stream: TLSSocket; reader: SocketReader } | undefined> {
  await new Promise((resolve) => socket.write(goAhead, resolve));
  const stream = new TLSSocket(socket, { isServer: true, secureContext });
  stream.on('error', () => {}); // 'close' follows, and says all that matters
  const reader = new SocketReader(stream);
  const isSecure = await new Promise<boolean>((resolve) => {
    stream.once('secure', () => resolve(true));
    stream.once('close', () => resolve(false));
  });
  return isSecure ? { stream, reader } : undefined;
}
