import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { openDisk } from '../../src/formats/open-disk.ts';
import { createFileGuestReader } from '../../src/volumes/guest-reader.ts';
import { openVolume, type StoredDevice } from '../../src/volumes/stored-device.ts';
import { type GeneratedDisk, generatedDisks, toGuest, toQcow2, toRaw } from '../fixtures/generated-disk.ts';
import { MemorySource } from '../fixtures/memory-source.ts';
import { toBuffer } from '../fixtures/sparse-file.ts';
import { openTestStore, storeGuestAs, type TestStore } from '../fixtures/store.ts';
import { blockOffset, blockPattern, buildVhdx } from '../fixtures/vhdx-builder.ts';

/** What goes in comes out: any disk, in any file that can hold it, read in any pieces. */
describe('reading back', () => {
  let testStore: TestStore;
  let imports = 0;
  before(async () => {
    testStore = await openTestStore();
  });
  after(() => testStore[Symbol.asyncDispose]());

  const containers = {
    raw: toRaw,
    'plain qcow2': (disk: GeneratedDisk) => toQcow2(disk, 'none'),
    'zlib qcow2': (disk: GeneratedDisk) => toQcow2(disk, 'zlib'),
    'zstd qcow2': (disk: GeneratedDisk) => toQcow2(disk, 'zstd'),
  };

  /** In a domain of its own: nothing is known there, so that all of it is written. */
  async function importFile(file: Buffer): Promise<StoredDevice> {
    imports += 1;
    const { source, map } = await openDisk(new MemorySource(file));
    const reader = createFileGuestReader(source, map);
    const volume = await storeGuestAs(testStore, `op-${imports}`, reader, `domain-${imports}`);
    return openVolume(testStore.store, volume.id);
  }

  for (const [name, toFile] of Object.entries(containers)) {
    test(`gives the guest bytes of any ${name}, however the reads are split`, async () => {
      const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 });
      await fc.assert(
        fc.asyncProperty(generatedDisks, cuts, async (disk, cuts) => {
          const guest = toGuest(disk);
          await using device = await importFile(toFile(disk));
          assert.equal(device.sizeBytes, guest.length);
          const borders = cuts.map((part) => Math.floor(part * guest.length)).sort((a, b) => a - b);
          // Not zeros: what is not written to would pass as a hole.
          const whole = Buffer.alloc(guest.length, 0xaa);
          const pieced = Buffer.alloc(guest.length, 0xaa);
          await device.readAt(whole, 0);
          for (const [index, start] of [0, ...borders].entries()) {
            await device.readAt(pieced.subarray(start, borders[index] ?? guest.length), start);
          }
          assert.ok(whole.equals(guest), 'one read');
          assert.ok(pieced.equals(guest), `reads split at ${borders}`);
        }),
        { numRuns: 8 },
      );
    });
  }

  test('gives the guest bytes of a VHDX that was not closed, as its log has them', async () => {
    const data = Buffer.alloc(4096, 'from the log; ');
    const log = [{ sector: 0, sequence: 1n, writes: [{ offset: blockOffset(0) + 4096, data }] }];
    await using device = await importFile(toBuffer(buildVhdx({ log })));
    const bytes = Buffer.alloc(3 * 4096, 0xaa);
    await device.readAt(bytes, 0);
    assert.deepEqual(bytes, Buffer.concat([blockPattern(0).subarray(0, 4096), data, Buffer.alloc(4096)]));
  });

  test('calls the same disk by the same name, whatever file it came in', async () => {
    await fc.assert(
      fc.asyncProperty(generatedDisks, async (disk) => {
        const names = new Set<string>();
        for (const toFile of Object.values(containers)) {
          await using device = await importFile(toFile(disk));
          names.add(device.contentId);
        }
        assert.equal(names.size, 1);
      }),
      { numRuns: 8 },
    );
  });

  test('says that all but holes is data, and no data is in holes', async () => {
    await fc.assert(
      fc.asyncProperty(generatedDisks, async (disk) => {
        const guest = toGuest(disk);
        await using device = await importFile(toQcow2(disk, 'zlib'));
        let end = 0;
        for await (const { offset, length, kind } of device.extents(0, guest.length)) {
          assert.equal(offset, end, 'without gaps');
          end = offset + length;
          const bytes = guest.subarray(offset, end);
          if (kind === 'hole') assert.ok(bytes.equals(Buffer.alloc(length)), `${length} bytes at ${offset}`);
          else assert.equal(kind, 'data');
        }
        assert.equal(end, guest.length);
      }),
      { numRuns: 8 },
    );
  });
});
