import { hasMark, type Probe } from '../probe.ts';

/*
 * Source: VirtualBox's Storage/VDICore.h (version 1.1), and block/vdi.c of QEMU. All numbers are little-endian.
 *
 * offset size field
 *      0   64 text: "<<< Oracle VM VirtualBox Disk Image >>>\n", and what other programs call it
 *     64    4 signature: 7f 10 da be
 *     68    4 version: 0x00010001
 *     72    4 header size, from here on: 384 (QEMU) or 400 (VirtualBox)
 *     76    4 image type: 1 dynamic, 2 fixed, 3 undo, 4 differencing
 *     80    4 image flags: how to grow it; of no use to a reader
 *     84  256 description
 *    340    4 offset of the block map
 *    344    4 offset of the data
 *    348   12 cylinders, heads, sectors, 4 each: often 0
 *    360    4 bytes in a sector: 512
 *    364    4 unused
 *    368    8 size of the disk, in bytes
 *    376    4 block size, in bytes: 1 MiB
 *    380    4 block extra: bytes in front of each block's data, 0
 *    384    4 blocks in the disk
 *    388    4 blocks in the file
 *    392   16 id of the image
 *    408   16 id of its last change
 *    424   16 id of the parent (link)
 *    440   16 id of the parent's last change
 *
 * The block map: 4 bytes for each block of the disk, the number of the block in the data where it is kept, or one of two
 * marks.
 */
export const headerLength = 456;
const sizedFrom = 72;

/** The least size that a header of version 1.1 gives itself: up to the last field above. */
export const minHeaderSize = headerLength - sizedFrom;

export const imageTypes = { dynamic: 1, fixed: 2, undo: 3, differencing: 4 } as const;

/** A VDI header as it is written; the disk's size is a bigint until a check has said that it is sane. */
export interface VdiHeader {
  readonly fileBytes: number;
  readonly text: string;
  readonly version: number;
  readonly headerSize: number;
  /** Where the header ends, by its own account. */
  readonly headerEnd: number;
  readonly type: number;
  readonly mapOffset: number;
  readonly dataOffset: number;
  readonly sectorBytes: number;
  readonly diskBytes: bigint;
  readonly blockBytes: number;
  readonly blockExtra: number;
  readonly blocks: number;
  readonly blocksAllocated: number;
  /** Ids of a parent stand in it. */
  readonly namesParent: boolean;
}

export function isVdi({ head }: Probe): boolean {
  return hasMark(head, 64, '\x7f\x10\xda\xbe');
}

/** Reads the header of a file that `isVdi`; undefined where the file ends before it does. */
export function readHeader(head: Uint8Array, fileBytes: number): VdiHeader | undefined {
  if (head.length < headerLength) return undefined;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const u32 = (offset: number) => view.getUint32(offset, true);
  const headerSize = u32(72);
  return {
    fileBytes,
    text: Buffer.from(head.subarray(0, 64)).toString('latin1'),
    version: u32(68),
    headerSize,
    headerEnd: sizedFrom + headerSize,
    type: u32(76),
    mapOffset: u32(340),
    dataOffset: u32(344),
    sectorBytes: u32(360),
    diskBytes: view.getBigUint64(368, true),
    blockBytes: u32(376),
    blockExtra: u32(380),
    blocks: u32(384),
    blocksAllocated: u32(388),
    namesParent: head.subarray(424, 456).some((byte) => byte !== 0),
  };
}
