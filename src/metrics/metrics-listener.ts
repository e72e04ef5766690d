import { once } from 'node:events';
import { createServer } from 'node:http';
import type { HostPort } from '../lib/host-port.ts';
import type { Metrics } from './metrics.ts';

/** A scraper needs one connection, and a hundred bytes of headers. */
const maxConnections = 32;
const maxHeaderBytes = 8 * 1024;
const requestMs = 10_000;
/** Longer than anybody waits from scrape to scrape. */
const keepAliveMs = 75_000;

/** A port that serves the figures of the process, says that it is there, and nothing else. Dispose it to close the port and its connections. */
export interface MetricsListener extends AsyncDisposable {
  /** With the port that was really taken. */
  readonly address: HostPort;
}

/**
 * Serves `/metrics` and `/health` over plain HTTP to whoever reaches the port: it is for scrapers of other machines, on an address that
 * only they can reach. Throws what the system says of the address.
 */
export async function listenForScrapes(metrics: Metrics, address: HostPort): Promise<MetricsListener> {
  const server = createServer(
    {
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: requestMs,
      requestTimeout: requestMs,
      keepAliveTimeout: keepAliveMs,
      connectionsCheckingInterval: 1_000,
    },
    (request, response) => {
      request.resume();
      const [path] = (request.url ?? '').split('?', 1);
      const isRead = request.method === 'GET' || request.method === 'HEAD';
      if (isRead && path === '/health') {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(request.method === 'HEAD' ? undefined : '{"status":"SERVING"}');
        return;
      }
      if (!isRead || path !== '/metrics') {
        response.writeHead(404, { 'content-type': 'text/plain' }).end('only /metrics and /health are here\n');
        return;
      }
      void metrics.read().then((text) => {
        response.writeHead(200, { 'content-type': metrics.type, 'content-length': Buffer.byteLength(text) });
        response.end(request.method === 'HEAD' ? undefined : text);
      });
    },
  );
  server.maxConnections = maxConnections;
  server.timeout = keepAliveMs;
  server.listen(address.port, address.host);
  await once(server, 'listening');
  const bound = server.address();
  return {
    address: { host: address.host, port: typeof bound === 'object' && bound !== null ? bound.port : address.port },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
