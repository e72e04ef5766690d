import assert from 'node:assert/strict';
import test from 'node:test';
import { createMemoryBlobs } from '../blobs/memory.ts';
import { meterBlobs } from './metered-blobs.ts';

test('counts what is read, written and deleted, and what fails', async () => {
  const { blobs, figures } = meterBlobs(createMemoryBlobs());
  {
    await using writer = await blobs.create('one');
    await writer.append([new Uint8Array(3), new Uint8Array(4)]);
    assert.equal(writer.sizeBytes, 7);
    await writer.seal();
  }
  assert.equal((await blobs.read('one', 1, 5)).byteLength, 5);
  await assert.rejects(blobs.read('two', 0, 1));
  assert.deepEqual(await Array.fromAsync(blobs.list()), [{ name: 'one', sizeBytes: 7 }]);
  assert.deepEqual(await blobs.stat('one'), { name: 'one', sizeBytes: 7 });
  await blobs.delete('one');
  assert.deepEqual(
    figures().map(({ seconds, ...counts }) => ({ ...counts, times: seconds.count })),
    [
      { work: 'read', bytes: 5, failed: 1, times: 2 },
      { work: 'append', bytes: 7, failed: 0, times: 1 },
      { work: 'seal', bytes: 0, failed: 0, times: 1 },
      { work: 'delete', bytes: 0, failed: 0, times: 1 },
    ],
  );
});
