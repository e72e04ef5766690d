import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  decodeList,
  decodeRoot,
  decodeSegment,
  encodeList,
  encodeRoot,
  encodeSegment,
  ManifestBroken,
} from './manifest.ts';
import {
  decodePackHeader,
  decodePackIndex,
  decodePackTrailer,
  encodePackEnd,
  encodePackHeader,
  PackBroken,
  type PackEntry,
  packTrailerBytes,
} from './pack-format.ts';

const id = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe('manifest nodes', () => {
  const extents = fc
    .array(fc.record({ gap: fc.nat(20), blocks: fc.integer({ min: 1, max: 64 }), chunkId: id }), { maxLength: 50 })
    .map((parts) => {
      let offset = 0;
      return parts.map(({ gap, blocks, chunkId }) => {
        const extent = { offset: offset + gap * 4096, length: blocks * 4096, chunkId, chunkOffset: 0 };
        offset = extent.offset + extent.length;
        return extent;
      });
    });

  test('a segment, a list and a root come back as they were', () => {
    fc.assert(
      fc.property(extents, fc.uniqueArray(fc.nat(255)), id, fc.nat(2 ** 40), (segment, places, childId, size) => {
        assert.deepEqual(decodeSegment(encodeSegment(segment)), segment);
        const children = places.sort((a, b) => a - b).map((index) => ({ index, id: childId, digest: childId }));
        assert.deepEqual(decodeList(encodeList(children)), children);
        const lists = children
          .filter(({ index }) => index < Math.ceil(size / 2 ** 34))
          .map(({ index }) => ({ index, id: childId }));
        const root = { sizeBytes: size, guestDigest: childId, lists };
        assert.deepEqual(decodeRoot(encodeRoot(root)), root);
      }),
    );
  });

  test('any other bytes are refused as what they are, never misread', () => {
    fc.assert(
      fc.property(extents, fc.nat(), fc.nat(255), (segment, place, value) => {
        const bytes = encodeSegment(segment);
        const damaged = bytes.slice();
        damaged[place % bytes.length] = value;
        const cut = bytes.subarray(0, place % bytes.length);
        for (const broken of [damaged, cut]) {
          for (const decode of [decodeSegment, decodeList, decodeRoot]) {
            try {
              decode(broken);
            } catch (error) {
              assert.ok(error instanceof ManifestBroken, String(error));
            }
          }
        }
      }),
    );
  });
});

describe('packs', () => {
  const entries: PackEntry[] = [
    { id: randomBytes(32), kind: 'chunk', encoding: 'zstd', offset: 128, encodedLength: 10, plainLength: 20, crc: 1 },
    {
      id: randomBytes(32),
      kind: 'node',
      encoding: 'plain',
      offset: 138,
      encodedLength: 7,
      plainLength: 7,
      crc: 2 ** 32 - 1,
    },
  ];
  const end = encodePackEnd(entries, 145);
  const packBytes = 145 + end.length;
  const trailer = () => decodePackTrailer(end.subarray(-packTrailerBytes), packBytes);

  test('header, index and trailer come back as they were', () => {
    assert.equal(decodePackHeader(encodePackHeader('b1g-cloud')), 'b1g-cloud');
    const plain = decodePackIndex(end.subarray(0, -packTrailerBytes), trailer()).map((entry) => ({
      ...entry,
      id: Buffer.from(entry.id),
    }));
    assert.deepEqual(plain, entries);
  });

  test('a damaged index, a wrong length and other bytes are refused', () => {
    const index = Uint8Array.from(end.subarray(0, -packTrailerBytes));
    index[40] = 11;
    assert.throws(() => decodePackIndex(index, trailer()), PackBroken);
    assert.throws(() => decodePackTrailer(end.subarray(-packTrailerBytes), packBytes + 1), PackBroken);
    assert.throws(() => decodePackTrailer(new Uint8Array(packTrailerBytes), packBytes), PackBroken);
    assert.throws(() => decodePackHeader(new Uint8Array(128)), PackBroken);
  });
});
