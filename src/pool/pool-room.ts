import { statfs } from 'node:fs/promises';

/** A file system, in bytes. */
export interface DiskRoom {
  readonly totalBytes: number;
  /** For us. */
  readonly freeBytes: number;
}

/** Of the file system, when nothing was configured. */
const defaultShare = 0.1;

/** Left free whatever is configured: imports and disks must not fail for what is only there to be quick. */
const reservedShare = 0.05;
const reservedMaxBytes = 10 * 2 ** 30;

/** The pool would take what is left for others. */
export class PoolRoomShort extends Error {
  constructor(freeBytes: number, reservedBytes: number) {
    super(`${freeBytes} bytes are free on the disk, of which ${reservedBytes} are left to others`);
    this.name = 'PoolRoomShort';
  }
}

export async function measureRoom(directory: string): Promise<DiskRoom> {
  const { blocks, bavail, bsize } = await statfs(directory);
  return { totalBytes: blocks * bsize, freeBytes: bavail * bsize };
}

/**
 * What the pool may take now, which has `poolBytes` already: what is configured, or a tenth of the file system, and less
 * when others have filled it, so that the pool makes room for them.
 */
export function limitOf(configuredBytes: number | undefined, poolBytes: number, room: DiskRoom): number {
  const wanted = configuredBytes ?? Math.floor(room.totalBytes * defaultShare);
  return Math.max(0, Math.min(wanted, poolBytes + room.freeBytes - reservedBytes(room)));
}

/** Throws PoolRoomShort unless so much can be written. */
export function assertRoom(bytes: number, room: DiskRoom): void {
  const reserved = reservedBytes(room);
  if (room.freeBytes - bytes < reserved) throw new PoolRoomShort(room.freeBytes, reserved);
}

function reservedBytes({ totalBytes }: DiskRoom): number {
  return Math.min(reservedMaxBytes, Math.floor(totalBytes * reservedShare));
}
