import { ImageRefused } from './image-refused.ts';
import { printable } from './printable.ts';

/** Its own ending, also under those of what it may be packed with. */
const vhdSetName = /\.vhds(\.(gz|xz|zst|bz2|tar))*$/i;

/**
 * Refuses Hyper-V's VHD set by its name. It is a small file that stands for disks in `.avhdx` files beside it, and
 * Microsoft publishes no mark by which its bytes could be told: without this they would be imported as a raw disk. A
 * file of this name whose bytes are of a format that is known never comes here.
 *
 * Source: learn.microsoft.com, "Create a Hyper-V VHD set file". The `.avhdx` files are differencing VHDX files, which
 * the VHDX reader refuses.
 *
 * @throws ImageRefused
 */
export function refuseVhdSet(fileName: string): void {
  if (!vhdSetName.test(fileName)) return;
  throw new ImageRefused({
    check: 'format.unsupported',
    reason: `The file is called ${printable(fileName)}, which is what a VHD set is called, and is of no other format: the disk of a VHD set is in files beside it.`,
    remedy: 'Convert it where it is used: Convert-VHD -Path FILE -DestinationPath disk.vhdx',
  });
}
