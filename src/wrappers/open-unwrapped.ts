import type { ReadOptions } from '../formats/byte-source.ts';
import type { OpenedDisk } from '../formats/disk-format.ts';
import { openDisk } from '../formats/open-disk.ts';
import { readProbe } from '../formats/probe.ts';
import { refuseVhdSet } from '../formats/vhd-set.ts';
import type { LayerReport } from './layer-report.ts';
import { rulesOf } from './layer-rules.ts';

import type { Unwrapped } from './unwrap.ts';

export interface OpenUnwrappedOptions extends ReadOptions {
  /** What the file is called where it comes from, if it has a name there. */
  readonly fileName?: string;
}

/**
 * Opens the disk in what `unwrap` left. A disk that was put together from extents is of the format that its descriptor
 * says, whatever is in it: the first bytes of a flat one are its guest's.
 *
 * @throws ImageRefused, with the layers around the disk
 */
export async function openUnwrapped(
  { source, layers, format }: Unwrapped,
  { fileName = '', ...options }: OpenUnwrappedOptions = {},
): Promise<OpenedDisk> {
  return await rulesOf('any').within(layers, async () => {
    if (format !== undefined) return await format.open(source, await readProbe(source, options), options);
    const disk = await openDisk(source, options);
    if (disk.format === 'raw') {
      for (const name of [fileName, ...layers.map(memberOf)]) refuseVhdSet(name);
    }
    return disk;
  });
}

function memberOf(layer: LayerReport): string {
  return 'member' in layer ? layer.member : '';
}
