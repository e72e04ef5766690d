import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { ImageRefused } from '../../src/formats/image-refused.ts';
import { createMappedDevice } from '../../src/formats/mapped-device.ts';
import { openDiskFile } from '../../src/images/open-disk-file.ts';
import { MemorySource } from '../fixtures/memory-source.ts';
import { buildQcow2 } from '../fixtures/qcow2-builder.ts';
import { temporaryFolder } from '../fixtures/qemu.ts';
import { type SparseFile, SparseSource } from '../fixtures/sparse-file.ts';
import { buildTar, oldSparseEntry } from '../fixtures/tar-builder.ts';
import { buildVdi } from '../fixtures/vdi-builder.ts';
import { buildFixedVhd, buildVhd } from '../fixtures/vhd-builder.ts';
import { buildVhdx } from '../fixtures/vhdx-builder.ts';
import { buildStreamVmdk, buildVmdk } from '../fixtures/vmdk-builder.ts';
import { buildXz } from '../fixtures/xz-builder.ts';
import { MiB } from './corpus-table.ts';

/** A guest that is no text, so that what a cut leaves of it is a raw disk and nothing worse. */
const guest = Buffer.alloc(1024, '\x01\x02guest ', 'latin1');

interface Whole {
  readonly file: Uint8Array | SparseFile;
  /** The lengths that it is cut to; `cutsOf` where it is not given. */
  readonly cuts?: readonly number[];
}

const files: Readonly<Record<string, Whole>> = {
  qcow2: { file: buildQcow2() },
  VMDK: { file: buildVmdk() },
  'VMDK stream': { file: buildStreamVmdk() },
  'dynamic VHD': { file: buildVhd() },
  'fixed VHD': { file: buildFixedVhd(guest) },
  VDI: { file: buildVdi() },
  VHDX: { file: buildVhdx(), cuts: Array.from({ length: 7 * 32 }, (_, index) => index * (MiB / 32)) },
  'gzip file': { file: gzipSync(guest) },
  'zstd file': { file: zstdCompressSync(guest) },
  'xz file': { file: buildXz({ data: guest }) },
  tar: { file: buildTar({ data: guest }) },
  'sparse tar': { file: buildTar(oldSparseEntry([[8192, 1024]], 65_536, guest)) },
};

/**
 * Every length in the first KiB and within the last sector, and around each border of a sector between: no format has
 * fields elsewhere. (The tests beside the readers of VHD and VDI try every length.)
 */
function cutsOf(sizeBytes: number): number[] {
  const lengths = Array.from({ length: sizeBytes }, (_, at) => at);
  return lengths.filter((at) => at < 1024 || at >= sizeBytes - 520 || (at + 1) % 512 <= 2);
}

/** How many bytes a mark has that a file can be known by: what is shorter is a raw disk, or the part of one. */
const marks: Readonly<Record<string, number>> = {
  qcow2: 4,
  VMDK: 4,
  'VMDK stream': 4,
  'dynamic VHD': 8,
  VDI: 68,
  VHDX: 8,
  'gzip file': 2,
  'zstd file': 4,
  'xz file': 6,
  tar: 512,
  'sparse tar': 512,
};

async function read(whole: Whole['file'], length: number, workPath: string): Promise<Buffer | string> {
  const source =
    whole instanceof Uint8Array
      ? new MemorySource(whole.subarray(0, length))
      : new SparseSource({ ...whole, sizeBytes: length });
  try {
    await using opened = await openDiskFile(source, { sha256: undefined, fileName: '', workPath });
    await using device = createMappedDevice(opened.disk.source, opened.disk.map);
    const bytes = Buffer.alloc(device.sizeBytes);
    await device.readAt(bytes, 0);
    return bytes;
  } catch (failure) {
    if (failure instanceof ImageRefused) return failure.check;
    throw failure;
  }
}

for (const [name, { file, cuts }] of Object.entries(files)) {
  test(`a ${name} that is cut anywhere is refused, or read as it was`, async () => {
    await using folder = await temporaryFolder();
    const sizeBytes = file instanceof Uint8Array ? file.length : file.sizeBytes;
    const good = await read(file, sizeBytes, folder.path('work'));
    assert.ok(typeof good !== 'string', `the whole file is read: ${good}`);
    let refused = 0;
    for (const length of cuts ?? cutsOf(sizeBytes)) {
      const found = await read(file, length, folder.path('work'));
      if (typeof found === 'string') {
        refused++;
        continue;
      }
      const left = file instanceof Uint8Array ? file.subarray(0, length) : Buffer.alloc(0);
      const isRaw = found.subarray(0, length).equals(left);
      // Too short to be known by anything, or a fixed VHD without any of its footer: the bytes there are.
      const isUnknown = isRaw && length < (marks[name] ?? guest.length + 8);
      assert.ok(
        found.equals(good) || isUnknown,
        `cut to ${length} of ${sizeBytes} bytes it reads as ${found.length} others`,
      );
    }
    assert.ok(refused > 0);
  });
}
