import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import test from 'node:test';
import { limitArrival } from './limit-arrival.ts';

/** Sends what the test wants to a server that gives bodies 50 ms, and returns all of its answer. */
async function ask(request: string): Promise<string> {
  const server = createServer((received, response) => {
    limitArrival(received, response, 50);
    received.resume().once('end', () => setTimeout(() => response.end('whole'), 100));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const socket = connect({ host: '127.0.0.1', port: address.port });
  try {
    socket.write(request);
    return await text(socket);
  } finally {
    socket.destroy();
    server.close();
  }
}

test('answers a body that does not arrive in time, and closes', async () => {
  for (const framing of ['content-length: 10\r\n\r\nx', 'transfer-encoding: chunked\r\n\r\n1\r\nx\r\n']) {
    assert.match(await ask(`POST / HTTP/1.1\r\nhost: x\r\n${framing}`), /^HTTP\/1\.1 408 .*too long to arrive/s);
  }
});

test('lets what has arrived be answered in its own time', async () => {
  const head = 'HTTP/1.1\r\nhost: x\r\nconnection: close\r\n';
  for (const request of [`GET / ${head}\r\n`, `POST / ${head}content-length: 1\r\n\r\nx`]) {
    assert.match(await ask(request), /^HTTP\/1\.1 200 .*whole$/s);
  }
});
