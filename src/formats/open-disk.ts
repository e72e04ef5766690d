import type { ByteSource, ReadOptions } from './byte-source.ts';
import type { OpenedDisk } from './disk-format.ts';
import { ImageRefused } from './image-refused.ts';
import { knownFormats } from './known-formats.ts';
import { readProbe } from './probe.ts';
import { raw } from './raw.ts';

/**
 * Recognises a virtual disk file by its bytes alone, checks it, and returns its map and a report on it.
 *
 * The source stays the caller's: the map reads from it, and neither closes it. The guest's bytes are to be read from the
 * answer's `source`, which may be a view of it. Nothing is read but the two ends of the file and its tables (at most
 * 32 MiB of them); a file is refused within 64 MiB of memory. Damage in tables and data further in is found when they
 * are read: `DiskMap.runs` and decoding throw `ImageRefused` too.
 *
 * @throws ImageRefused when the file is unsafe, damaged, of two formats at once, or of one that is not read
 */
export async function openDisk(source: ByteSource, options?: ReadOptions): Promise<OpenedDisk> {
  if (source.sizeBytes === 0) {
    throw new ImageRefused({ check: 'format.empty', reason: 'The file is empty: it has 0 bytes.' });
  }
  const probe = await readProbe(source, options);
  const matches = knownFormats.filter((format) => format.recognises(probe));
  if (matches.length > 1) {
    const names = matches.map((format) => format.name).join(' and ');
    throw new ImageRefused({
      check: 'format.ambiguous',
      reason: `The file says that it is ${names}: two programs would read two different disks from it.`,
      remedy: 'Write it anew from the disk it was made from: qemu-img convert -f FORMAT -O qcow2 FILE disk.qcow2',
    });
  }
  const format = matches[0] ?? raw;
  return await format.open(source, probe, options);
}
