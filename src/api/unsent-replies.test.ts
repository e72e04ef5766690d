import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2, constants } from 'node:http2';
import { connect } from 'node:net';
import test from 'node:test';
import { goodToken, someImage, startApi } from '../../test/fixtures/api-fixture.ts';
import { UnsentReplies } from './unsent-replies.ts';

const limits = { stallMs: 200, maxBytes: 1_000_000, graceMs: 50 };
const authorization = `Bearer ${goodToken}`;
/** About 1 MB: more than the system takes for a client that does not read. */
const many = Array.from({ length: 1_000 }, (_, number) => someImage({ description: `${number} `.padEnd(1_000, 'x') }));
const images = { listImages: async () => ({ images: many, nextPageToken: '' }) };

test('a gRPC client that lets nothing be sent is cut, and a call that was cancelled is no reason to', async () => {
  await using api = await startApi({ images, limits: { unsent: limits } });
  const reading = connectHttp2(api.url);
  const stalled = connectHttp2(api.url, { settings: { initialWindowSize: 0 } });
  for (const session of [reading, stalled]) session.on('error', () => {});
  try {
    const path = '/yandex.cloud.compute.v1.ImageService/List';
    const headers = {
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      authorization,
    };
    const ask = (session: typeof reading) => {
      const stream = session.request(headers);
      stream.on('error', () => {});
      // folder_id: "b1g"
      stream.end(Buffer.from([0, 0, 0, 0, 5, 0x0a, 3, ...Buffer.from('b1g')]));
      return stream;
    };
    const cancelled = ask(reading);
    await once(cancelled, 'response');
    cancelled.close(constants.NGHTTP2_CANCEL);
    const closed = new Promise((resolve) => stalled.once('close', resolve));
    ask(stalled);
    await closed; // an error may come before it
    assert.equal(api.api.figures().unsent.cuts, 1);
    while (api.api.figures().unsent.bytes > 0) await new Promise(setImmediate);
    const stream = ask(reading).resume();
    await once(stream, 'end');
    assert.equal(reading.closed, false);
  } finally {
    reading.destroy();
    stalled.destroy();
  }
});

test('so is a REST client that reads nothing', async () => {
  await using api = await startApi({ images, limits: { unsent: limits } });
  const socket = connect(api.address.port, '127.0.0.1').on('error', () => {});
  try {
    await once(socket, 'connect');
    socket.pause();
    for (let asked = 0; asked < 16; asked += 1) {
      socket.write(
        `GET /compute/v1/images?folderId=b1g HTTP/1.1\r\nhost: a\r\nauthorization: ${authorization}\r\n\r\n`,
      );
    }
    while (api.api.figures().unsent.cuts === 0) await new Promise(setImmediate);
    socket.resume();
    await once(socket, 'close');
    while (api.api.figures().unsent.bytes > 0) await new Promise(setImmediate);
  } finally {
    socket.destroy();
  }
});

test('when they are too much together, the oldest go before their time, but none that was just made', async () => {
  using unsent = new UnsentReplies({ stallMs: 60_000, maxBytes: 10, graceMs: 300 });
  const cut: string[] = [];
  const add = (name: string, bytes: number) => {
    const taken = unsent.add({
      bytes,
      cut() {
        cut.push(name);
        taken();
      },
    });
    return taken;
  };
  const taken = add('taken', 100);
  add('first', 8);
  add('second', 8);
  taken();
  taken();
  assert.equal(unsent.figures().bytes, 16);
  while (cut.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(cut, ['first']);
  assert.deepEqual(unsent.figures(), { bytes: 8, cuts: 1 });
});
