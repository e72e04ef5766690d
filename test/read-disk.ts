import type { ByteSource } from '../src/formats/byte-source.ts';
import type { OpenedDisk } from '../src/formats/disk-format.ts';
import { ImageRefused } from '../src/formats/image-refused.ts';
import { createMappedDevice } from '../src/formats/mapped-device.ts';
import { openDisk } from '../src/formats/open-disk.ts';

/** Opens a disk file and reads all of its guest bytes. */
export async function readDisk(source: ByteSource): Promise<OpenedDisk & { bytes: Buffer }> {
  const disk = await openDisk(source);
  await using device = createMappedDevice(source, disk.map);
  const bytes = Buffer.alloc(device.sizeBytes);
  await device.readAt(bytes, 0);
  return { ...disk, bytes };
}

/** The name of the check that refuses a disk file, at its opening or when it is read; undefined when it is read whole. */
export async function refusalOf(source: ByteSource): Promise<string | undefined> {
  try {
    await readDisk(source);
    return undefined;
  } catch (failure) {
    if (failure instanceof ImageRefused) return failure.check;
    throw failure;
  }
}
