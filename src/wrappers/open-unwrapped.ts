import type { ReadOptions } from '../formats/byte-source.ts';
import type { OpenedDisk } from '../formats/disk-format.ts';
import { openDisk } from '../formats/open-disk.ts';
import { readProbe } from '../formats/probe.ts';
import { raw } from '../formats/raw.ts';
import { type Unwrapped, within } from './unwrap.ts';

/**
 * Opens the disk in what `unwrap` left. A disk that was put together from flat extents is raw whatever is in it: its
 * first bytes are its guest's.
 *
 * @throws ImageRefused, with the layers around the disk
 */
export async function openUnwrapped(
  { source, layers, isFlatDisk }: Unwrapped,
  options?: ReadOptions,
): Promise<OpenedDisk> {
  return await within(layers, async () => {
    if (!isFlatDisk) return await openDisk(source, options);
    return await raw.open(source, await readProbe(source, options), options);
  });
}
