import { type FormatCheck, readableFormat } from './disk-format.ts';
import type { DiskMap } from './disk-map.ts';
import { guestSizeViolation, sectorBytes } from './guest-size.ts';
import { notADisk } from './not-a-disk.ts';
import type { Probe } from './probe.ts';
import { RunBuilder } from './run-builder.ts';

const checks: readonly [FormatCheck<Probe>, ...FormatCheck<Probe>[]] = [
  { name: 'raw.size', violation: (probe) => guestSizeViolation(probe.sizeBytes) },
  { name: 'raw.not-a-disk', violation: notADisk },
];

/**
 * A raw disk: the file's bytes are the guest's. It has no mark of its own, so it is what remains when no other format
 * recognises the file. Any length will do; the last sector is filled with zeros.
 */
export const raw = readableFormat<Probe>({
  name: 'raw',
  recognises: () => true,
  readFacts: (probe) => probe,
  checks,
  async openMap(_source, { sizeBytes: fileBytes }) {
    const guestBytes = Math.ceil(fileBytes / sectorBytes) * sectorBytes;
    const paddedBytes = guestBytes - fileBytes;
    const notes =
      paddedBytes === 0
        ? []
        : [
            `The file is not a whole number of 512-byte sectors: ${paddedBytes} zero bytes were added at the disk's end.`,
          ];
    return {
      map: rawMap(fileBytes, guestBytes),
      report: { format: 'raw', fileBytes, guestBytes, paddedBytes, notes },
    };
  },
});

function rawMap(fileBytes: number, guestBytes: number): DiskMap {
  return {
    sizeBytes: guestBytes,
    async runs(offset, length) {
      const runs = new RunBuilder(offset, length, guestBytes);
      runs.addPlain(0, fileBytes, 0);
      return runs.runs;
    },
  };
}
