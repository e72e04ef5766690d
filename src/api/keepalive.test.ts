import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:http2';
import test from 'node:test';
import { startApi } from '../../test/fixtures/api-fixture.ts';

/**
 * Go clients ping every 30 s, also without a call under way, and break when a server answers such pings with GOAWAY
 * (ENHANCE_YOUR_CALM, "too_many_pings"). Here they come a thousand times as fast, and as many as in two hours.
 */
const pings = 240;

test('answers keepalive pings without a stream as long as they come, and never with GOAWAY', async () => {
  await using api = await startApi();
  const session = connect(api.url);
  const ended: string[] = [];
  session.on('goaway', (code) => ended.push(`GOAWAY ${code}`));
  session.on('error', (error) => ended.push(error.message));
  session.on('close', () => ended.push('closed'));
  await once(session, 'connect');
  try {
    for (let count = 0; count < pings && ended.length === 0; count++) {
      await new Promise<void>((resolve, reject) => {
        session.ping((error: Error | null) => (error === null ? resolve() : reject(error)));
      });
    }
    assert.deepEqual(ended, []);
    const grpc = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' };
    const stream = session.request({ ...grpc, ':path': '/grpc.health.v1.Health/Check' });
    const [headers] = await once(stream.end(Buffer.alloc(5)), 'response'); // an empty message
    assert.equal(headers[':status'], 200);
    stream.close();
  } finally {
    session.destroy();
  }
});
