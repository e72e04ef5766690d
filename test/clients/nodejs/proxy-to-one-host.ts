import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';

/** A proxy on loopback whose every tunnel ends at one place, wherever the client wanted it to go. */
export interface ProxyToOneHost extends AsyncDisposable {
  readonly url: string;
}

export async function startProxyToOneHost(target: string): Promise<ProxyToOneHost> {
  const [host, port] = target.split(':');
  const sockets = new Set<Duplex>();
  const server = createServer();
  server.on('connect', (_request, client, head) => {
    const onwards = connect({ host, port: Number(port) });
    for (const socket of [onwards, client]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        onwards.destroy();
        client.destroy();
      });
    }
    onwards.once('connect', () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      onwards.write(head);
      client.pipe(onwards).pipe(client);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // listening on TCP: never a pipe's name
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
