import type { BlockDevice } from '../formats/block-device.ts';
import type { ByteSource } from '../formats/byte-source.ts';
import type { DiskMap } from '../formats/disk-map.ts';
import { RunBuilder } from '../formats/run-builder.ts';
import { createFileGuestReader, type GuestReader, type KeptBase } from './guest-reader.ts';

/**
 * The guest bytes of a device that can be read, with zeros behind its end up to `sizeBytes`; without a device they are
 * zeros all. The device stays its owner's to dispose. `over` is what it was written over.
 */
export function createDeviceGuestReader(
  device: BlockDevice | undefined,
  sizeBytes: number,
  over?: KeptBase | undefined,
): GuestReader {
  const deviceBytes = device?.sizeBytes ?? 0;
  // A device is a file that keeps every guest byte at its own place.
  const source: ByteSource = {
    sizeBytes: deviceBytes,
    async read(offset, length, { signal, into = new Uint8Array(length) } = {}) {
      await device?.readAt(into, offset, { signal });
      return into;
    },
    async [Symbol.asyncDispose]() {},
  };
  const map: DiskMap = {
    sizeBytes,
    async runs(offset, length, options) {
      const found = new RunBuilder(offset, length, sizeBytes);
      const within = Math.min(offset + length, deviceBytes) - offset;
      if (device === undefined || within <= 0) return found.runs;
      for await (const extent of device.extents(offset, within, options)) {
        if (extent.kind === 'data') found.addPlain(extent.offset, extent.length, extent.offset);
      }
      return found.runs;
    },
  };
  return { ...createFileGuestReader(source, map), over };
}
