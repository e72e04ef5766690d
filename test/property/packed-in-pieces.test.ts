import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { ImageRefused } from '../../src/formats/image-refused.ts';
import type { Decompressor, PackedFacts } from '../../src/wrappers/decompressor.ts';
import { gzip } from '../../src/wrappers/gzip.ts';
import { InOrderReader } from '../../src/wrappers/in-order-reader.ts';
import { defaultUnwrapLimits } from '../../src/wrappers/unwrap-limits.ts';
import { zstd } from '../../src/wrappers/zstd.ts';
import { MemorySource } from '../fixtures/memory-source.ts';
import { noise, prose } from '../fixtures/qemu.ts';

const packers: readonly (readonly [Decompressor, (bytes: Uint8Array) => Buffer])[] = [
  [gzip, (bytes) => gzipSync(bytes)],
  [zstd, (bytes) => zstdCompressSync(bytes)],
];

/** Gives its bytes out in pieces of other lengths than it would. */
class UnevenReader extends InOrderReader {
  readonly #lengths: readonly number[];
  #turn = 0;

  constructor(bytes: Uint8Array, lengths: readonly number[]) {
    super(new MemorySource(bytes), { maxSilentBytes: 2 ** 30, onSilence: () => new Error('silence') });
    this.#lengths = lengths;
  }

  override next(limit = Number.MAX_SAFE_INTEGER): Promise<Uint8Array | undefined> {
    const length = this.#lengths[this.#turn++ % this.#lengths.length] ?? 1;
    return super.next(Math.min(limit, length));
  }
}

async function unpack(decompressor: Decompressor, file: Uint8Array, lengths: readonly number[]): Promise<Buffer> {
  const facts: PackedFacts = { streams: undefined, ignoredBytes: 0, notes: [] };
  const reader = new UnevenReader(file, lengths);
  const chunks: Uint8Array[] = [];
  const output = decompressor.decompress({ reader, limits: defaultUnwrapLimits, facts });
  for await (const chunk of output) chunks.push(chunk.slice());
  return Buffer.concat(chunks);
}

const content = fc
  .record({
    kind: fc.constantFrom('noise', 'prose', 'zeros'),
    length: fc.integer({ min: 0, max: 5000 }),
    seed: fc.nat(99),
  })
  .map(({ kind, length, seed }) => {
    if (kind === 'zeros') return Buffer.alloc(length * 100);
    return kind === 'noise' ? noise(length, seed) : prose(length, seed);
  });
const contents = fc.array(content, { minLength: 1, maxLength: 4 });
const lengths = fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 8 });

for (const [decompressor, pack] of packers) {
  test(`${decompressor.name}: the same bytes come out in whatever pieces they go in`, async () => {
    await fc.assert(
      fc.asyncProperty(contents, lengths, async (members, pieces) => {
        const file = Buffer.concat(members.map(pack));
        // Also pieces that end where the members do.
        const borders = members.map((member) => pack(member).length);
        for (const each of [pieces, borders]) {
          assert.ok((await unpack(decompressor, file, each)).equals(Buffer.concat(members)));
        }
      }),
      { numRuns: 60 },
    );
  });

  test(`${decompressor.name}: a file that was cut or changed is refused, or gives the same bytes`, async () => {
    await fc.assert(
      fc.asyncProperty(
        content,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 0, max: 255 }),
        async (member, place, change) => {
          const file = pack(member);
          const at = Math.min(file.length - 1, Math.floor(place * file.length));
          const damaged = change === 0 ? file.subarray(0, at) : Buffer.from(file);
          if (change !== 0) damaged[at] = (damaged[at] ?? 0) ^ change;
          try {
            const bytes = await unpack(decompressor, damaged, [1000]);
            // Without a check sum of its own a zstd frame can't tell what was changed; a cut it always can.
            if (decompressor === gzip || change === 0) assert.ok(bytes.equals(member));
          } catch (error) {
            if (!(error instanceof ImageRefused)) throw error;
          }
        },
      ),
      { numRuns: 150 },
    );
  });
}
