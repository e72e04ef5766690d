import type { ByteSource } from './byte-source.ts';
import { type DiskFormat, type FormatCheck, readableFormat } from './disk-format.ts';
import type { DiskMap } from './disk-map.ts';
import { guestSizeViolation, sectorBytes } from './guest-size.ts';
import { notADisk } from './not-a-disk.ts';
import type { Probe } from './probe.ts';
import { RunBuilder } from './run-builder.ts';

const size: FormatCheck<Probe> = {
  name: 'raw.size',
  violation: (probe) => guestSizeViolation(probe.sizeBytes),
};

/**
 * A raw disk: the file's bytes are the guest's. It has no mark of its own, so it is what remains when no other format
 * recognises the file. Any length will do; the last sector is filled with zeros.
 */
export const raw = rawFormat(size, { name: 'raw.not-a-disk', violation: notADisk });

/**
 * A raw disk where whoever asks says that it is one: what its bytes look like is the guest's own affair, be it a text or
 * another format's mark.
 */
export const statedRaw = rawFormat(size);

function rawFormat(...checks: readonly [FormatCheck<Probe>, ...FormatCheck<Probe>[]]): DiskFormat {
  return readableFormat<Probe>({
    name: 'raw',
    recognises: () => true,
    readFacts: (probe) => probe,
    checks,
    async openMap(source, { sizeBytes: fileBytes }) {
      const guestBytes = Math.ceil(fileBytes / sectorBytes) * sectorBytes;
      const paddedBytes = guestBytes - fileBytes;
      const notes =
        paddedBytes === 0
          ? []
          : [
              `The file is not a whole number of 512-byte sectors: ${paddedBytes} zero bytes were added at the disk's end.`,
            ];
      return {
        map: rawMap(source, guestBytes),
        report: { format: 'raw', fileBytes, guestBytes, paddedBytes, notes },
      };
    },
  });
}

/** The holes of a sparse file, where its source knows them, are the disk's. */
function rawMap(source: ByteSource, guestBytes: number): DiskMap {
  return {
    sizeBytes: guestBytes,
    async runs(offset, length) {
      const runs = new RunBuilder(offset, length, guestBytes);
      const end = Math.min(offset + length, source.sizeBytes);
      const whole = [{ offset, length: Math.max(0, end - offset) }];
      for (const range of source.dataRanges?.(offset, Math.max(0, end - offset)) ?? whole) {
        runs.addPlain(range.offset, range.length, range.offset);
      }
      return runs.runs;
    },
  };
}
