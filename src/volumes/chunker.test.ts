import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { blockBytes, type Cut, cutChunks, maxChunkBytes } from './chunker.ts';

/** Cuts bytes given piece by piece, as the importer does: what is open is given again in front of the next piece. */
function cutInPieces(bytes: Uint8Array, pieceBlocks: readonly number[]): Cut[] {
  const chunks: Cut[] = [];
  let open = 0;
  let end = 0;
  for (const blocks of [...pieceBlocks, Number.POSITIVE_INFINITY]) {
    end = Math.min(bytes.length, end + blocks * blockBytes);
    const final = end === bytes.length;
    const cuts = cutChunks(bytes.subarray(open, end), final);
    for (const { offset, length } of cuts.chunks) chunks.push({ offset: open + offset, length });
    open += cuts.restOffset;
    if (final) break;
  }
  return chunks;
}

/** Blocks of a few kinds, so that zeros, repeats and cuts are all common. */
const palette = [new Uint8Array(blockBytes), ...Array.from({ length: 30 }, () => randomBytes(blockBytes))];
const guest = fc
  .tuple(fc.array(fc.nat(palette.length - 1), { maxLength: 200 }), fc.nat(blockBytes - 1))
  .map(([blocks, tail]) =>
    Buffer.concat([...blocks.map((kind) => palette[kind] ?? palette[0] ?? new Uint8Array()), randomBytes(tail)]),
  );

describe('the chunker', () => {
  test('covers every byte that is not zero, once, in order', () => {
    fc.assert(
      fc.property(guest, (bytes) => {
        const copy = new Uint8Array(bytes.length);
        let end = 0;
        for (const { offset, length } of cutChunks(bytes, true).chunks) {
          assert.ok(offset >= end && length > 0 && length <= maxChunkBytes && offset % blockBytes === 0);
          copy.set(bytes.subarray(offset, offset + length), offset);
          end = offset + length;
        }
        assert.ok(bytes.equals(copy));
      }),
    );
  });

  test('how the bytes arrive makes no difference', () => {
    fc.assert(
      fc.property(guest, fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 8 }), (bytes, pieces) => {
        assert.deepEqual(cutInPieces(bytes, pieces), cutChunks(bytes, true).chunks);
      }),
    );
  });

  test('an insertion at the border of a block changes only the chunks around it', () => {
    const before = randomBytes(8 * 1024 * 1024);
    const whole = chunksOf(before);
    fc.assert(
      fc.property(fc.nat(before.length / blockBytes), fc.integer({ min: 1, max: 40 }), (at, blocks) => {
        const place = at * blockBytes;
        const inserted = randomBytes(blocks * blockBytes);
        const after = Buffer.concat([before.subarray(0, place), inserted, before.subarray(place)]);
        const fresh = chunksOf(after).difference(whole);
        const freshBytes = [...fresh].reduce((sum, chunk) => sum + chunk.length, 0);
        assert.ok(freshBytes <= inserted.length + 4 * maxChunkBytes, `${freshBytes} new bytes for ${inserted.length}`);
      }),
      { numRuns: 25 },
    );
  });

  test('chunks of random bytes have 64 KiB on average', () => {
    const bytes = randomBytes(32 * 1024 * 1024);
    const average = bytes.length / cutChunks(bytes, true).chunks.length;
    assert.ok(average > 50 * 1024 && average < 75 * 1024, `${average}`);
  });
});

function chunksOf(bytes: Buffer): Set<string> {
  return new Set(
    cutChunks(bytes, true).chunks.map(({ offset, length }) => bytes.toString('latin1', offset, offset + length)),
  );
}
