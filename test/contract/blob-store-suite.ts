import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { BlobFailed } from '../../src/blobs/blob-failed.ts';
import type { BlobStore } from '../../src/blobs/blob-store.ts';

/** An empty store, and what ends the place that it is in; the store is disposed before. */
export interface OpenedStore {
  readonly blobs: BlobStore;
  end(): Promise<void>;
}

export async function put(blobs: BlobStore, name: string, ...pieces: Uint8Array[]): Promise<void> {
  await using writer = await blobs.create(name);
  await writer.append(pieces);
  await writer.seal();
}

function failure(wanted: BlobFailed['failure']) {
  return (error: unknown) => error instanceof BlobFailed && error.failure === wanted;
}

/** What every BlobStore promises (src/blobs/blob-store.ts), held against one implementation. */
export function describeBlobStore(name: string, open: () => Promise<OpenedStore>): void {
  describe(`blob store: ${name}`, () => {
    const run = (title: string, body: (blobs: BlobStore) => Promise<void>) =>
      test(title, async () => {
        const { blobs, end } = await open();
        try {
          await body(blobs);
        } finally {
          await blobs[Symbol.asyncDispose]();
          await end();
        }
      });

    run('reads back what was appended, any range of it', async (blobs) => {
      await using writer = await blobs.create('a1');
      await writer.append([Uint8Array.of(1, 2), Uint8Array.of(3)]);
      await writer.append([Uint8Array.of(), Uint8Array.of(4, 5)]);
      assert.equal(writer.sizeBytes, 5);
      await writer.seal();
      assert.deepEqual([...(await blobs.read('a1', 0, 5))], [1, 2, 3, 4, 5]);
      assert.deepEqual([...(await blobs.read('a1', 1, 3))], [2, 3, 4]);
      assert.deepEqual([...(await blobs.read('a1', 5, 0))], []);
      assert.deepEqual(await blobs.stat('a1'), { name: 'a1', sizeBytes: 5 });
    });

    run('keeps a blob of many megabytes, appended in uneven pieces', async (blobs) => {
      const bytes = randomBytes(20_000_003);
      await using writer = await blobs.create('big');
      const lengths = [1, 5_000_000, 9_999_999, 4_999_997, 0, 6];
      let place = 0;
      for (const length of lengths) {
        await writer.append([bytes.subarray(place, place + length)]);
        place += length;
      }
      assert.equal(writer.sizeBytes, bytes.byteLength);
      await writer.seal();
      assert.ok(Buffer.compare(await blobs.read('big', 0, bytes.byteLength), bytes) === 0);
      assert.deepEqual(await Array.fromAsync(blobs.listUnsealed()), []);
    });

    run('takes its own copy of what is appended', async (blobs) => {
      await using writer = await blobs.create('a1');
      const piece = Uint8Array.of(7);
      await writer.append([piece]);
      piece[0] = 8;
      await writer.seal();
      assert.deepEqual([...(await blobs.read('a1', 0, 1))], [7]);
    });

    run('shows nothing before it is sealed, and keeps nothing that was not', async (blobs) => {
      {
        await using writer = await blobs.create('b2');
        await writer.append([Uint8Array.of(1)]);
        assert.equal(await blobs.stat('b2'), undefined);
        assert.deepEqual(await Array.fromAsync(blobs.list()), []);
        await assert.rejects(blobs.read('b2', 0, 1), failure('missing'));
      }
      assert.equal(await blobs.stat('b2'), undefined);
      await put(blobs, 'b2', Uint8Array.of(2));
      assert.deepEqual([...(await blobs.read('b2', 0, 1))], [2]);
    });

    run('says what is missing and what is short', async (blobs) => {
      await put(blobs, 'c3', Uint8Array.of(1, 2, 3));
      await assert.rejects(blobs.read('c4', 0, 1), failure('missing'));
      await assert.rejects(blobs.read('c3', 1, 3), failure('short'));
    });

    run('lists every sealed blob', async (blobs) => {
      for (const blob of ['x', 'yy', 'abc01', 'abd01']) await put(blobs, blob, new Uint8Array(blob.length));
      const listed = (await Array.fromAsync(blobs.list())).toSorted((a, b) => a.name.localeCompare(b.name));
      assert.deepEqual(
        listed.map((info) => [info.name, info.sizeBytes]),
        [
          ['abc01', 5],
          ['abd01', 5],
          ['x', 1],
          ['yy', 2],
        ],
      );
    });

    run('lists what was begun and not sealed, and deletes that, too', async (blobs) => {
      await put(blobs, 'e1', Uint8Array.of(1));
      await using writer = await blobs.create('e2');
      await writer.append([Uint8Array.of(1)]);
      assert.deepEqual(await Array.fromAsync(blobs.listUnsealed()), ['e2']);
      await blobs.delete('e2');
      assert.deepEqual(await Array.fromAsync(blobs.listUnsealed()), []);
    });

    run('deletes, and may delete again', async (blobs) => {
      await put(blobs, 'd5', Uint8Array.of(1));
      assert.deepEqual([...(await blobs.read('d5', 0, 1))], [1]);
      await blobs.delete('d5');
      await blobs.delete('d5');
      assert.equal(await blobs.stat('d5'), undefined);
      await assert.rejects(blobs.read('d5', 0, 1), failure('missing'));
    });

    run('refuses names that are not plain words', async (blobs) => {
      for (const bad of ['', '..', '../x', 'a/b', 'A', 'a.b', 'partial ', 'x'.repeat(65)]) {
        await assert.rejects(blobs.create(bad), RangeError, bad);
        await assert.rejects(async () => blobs.read(bad, 0, 1), RangeError, bad);
      }
    });

    run('many read one blob at once', async (blobs) => {
      const bytes = Uint8Array.from({ length: 10_000 }, (_, index) => index % 251);
      await put(blobs, 'e6', bytes);
      const reads = Array.from({ length: 50 }, (_, index) => blobs.read('e6', index * 100, 100));
      for (const [index, read] of (await Promise.all(reads)).entries()) {
        assert.deepEqual([...read], [...bytes.subarray(index * 100, index * 100 + 100)]);
      }
    });
  });
}
