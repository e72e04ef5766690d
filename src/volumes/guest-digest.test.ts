import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { digestGuest, digestLeaf, digestSegment, leafBytes } from './guest-digest.ts';
import { segmentBytes } from './manifest.ts';

const sha256 = (...parts: Uint8Array[]) =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();

/** The definition, taken literally: every block is there, zeros too. */
function plainDigest(guest: Uint8Array): Buffer {
  const segments = Math.max(1, Math.ceil(guest.length / segmentBytes));
  const leaves = 64 * 2 ** Math.ceil(Math.log2(segments));
  let row = Array.from({ length: leaves }, (_, index) => {
    const block = new Uint8Array(leafBytes);
    block.set(guest.subarray(index * leafBytes, (index + 1) * leafBytes));
    return sha256(Uint8Array.of(0), block);
  });
  while (row.length > 1) {
    row = Array.from({ length: row.length / 2 }, (_, index) =>
      sha256(Uint8Array.of(1), row[index * 2] ?? Buffer.alloc(0), row[index * 2 + 1] ?? Buffer.alloc(0)),
    );
  }
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(guest.length));
  return sha256(Uint8Array.of(2), size, row[0] ?? Buffer.alloc(0));
}

function sparseDigest(guest: Uint8Array): Uint8Array {
  const segments = new Map<number, Uint8Array>();
  for (let index = 0; index * segmentBytes < guest.length; index += 1) {
    const segment = guest.subarray(index * segmentBytes, (index + 1) * segmentBytes);
    const leaves = Array.from({ length: Math.ceil(segment.length / leafBytes) }, (_, leaf) =>
      digestLeaf(segment.subarray(leaf * leafBytes, (leaf + 1) * leafBytes)),
    );
    const digest = digestSegment(leaves);
    if (digest !== undefined) segments.set(index, digest);
  }
  return digestGuest(guest.length, segments);
}

describe('the guest digest', () => {
  test('is what its definition says, though zeros are never hashed', () => {
    const sizes = fc.constantFrom(512, leafBytes, leafBytes + 512, segmentBytes, segmentBytes + 4096, 3 * segmentBytes);
    fc.assert(
      fc.property(sizes, fc.array(fc.nat(), { maxLength: 5 }), (size, places) => {
        const guest = new Uint8Array(size);
        for (const place of places) guest[place % size] = 1 + (place % 255);
        assert.deepEqual(Buffer.from(sparseDigest(guest)), plainDigest(guest));
      }),
      { numRuns: 6 },
    );
  });

  test('tells a disk from a longer one', () => {
    assert.notDeepEqual(digestGuest(512, new Map()), digestGuest(1024, new Map()));
  });

  test('of a sparse TiB costs nothing', () => {
    const begun = performance.now();
    digestGuest(2 ** 40, new Map([[3, new Uint8Array(32)]]));
    assert.ok(performance.now() - begun < 1_000);
  });
});
