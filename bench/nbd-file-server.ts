import { fstatSync, openSync, read, readSync } from 'node:fs';
import { promisify } from 'node:util';
import { pino } from 'pino';
import type { BlockDevice, Extent } from '../src/formats/block-device.ts';
import { createNbdServer } from '../src/nbd/nbd-server.ts';

/**
 * A process that serves a raw file over NBD on a unix socket, until its input ends: `FILE SOCKET async|sync`. What is
 * measured is the door; the file is in the page cache, and read on Node's threads or at once.
 */
const [file = '', socketPath = '', way = 'async'] = process.argv.slice(2);
const fd = openSync(file, 'r');
const sizeBytes = fstatSync(fd).size;
const readAsync = promisify(read);

const device: BlockDevice = {
  sizeBytes,
  async *extents(offset, length): AsyncIterable<Extent> {
    yield { offset, length, kind: 'data' };
  },
  async readAt(target, offset) {
    const done =
      way === 'sync'
        ? readSync(fd, target, 0, target.length, offset)
        : (await readAsync(fd, target, 0, target.length, offset)).bytesRead;
    if (done !== target.length) throw new Error(`read ${done} bytes of ${target.length}`);
  },
  async [Symbol.asyncDispose]() {},
};

const server = createNbdServer({
  findExport: async () => ({ device, readOnly: true, canMultiConn: true, async [Symbol.asyncDispose]() {} }),
  tls: undefined,
  log: pino({ level: 'warn' }),
});
await server.listen({ socketPath, tls: 'none' });
console.log('serving');
process.stdin.resume().once('end', () => void server.close());
