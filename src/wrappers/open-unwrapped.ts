import type { ReadOptions } from '../formats/byte-source.ts';
import type { OpenedDisk } from '../formats/disk-format.ts';
import { openDisk } from '../formats/open-disk.ts';
import { readProbe } from '../formats/probe.ts';
import { type Unwrapped, within } from './unwrap.ts';

/**
 * Opens the disk in what `unwrap` left. A disk that was put together from extents is of the format that its descriptor
 * says, whatever is in it: the first bytes of a flat one are its guest's.
 *
 * @throws ImageRefused, with the layers around the disk
 */
export async function openUnwrapped({ source, layers, format }: Unwrapped, options?: ReadOptions): Promise<OpenedDisk> {
  return await within(layers, async () => {
    if (format === undefined) return await openDisk(source, options);
    return await format.open(source, await readProbe(source, options), options);
  });
}
