import { hasMark } from './probe.ts';

/**
 * Whether a disk's first sectors hold a partition table: an MBR with at least one partition and sane boot flags, or a
 * GPT header (sectors of 512 or 4096 bytes).
 *
 * It tells a disk from what merely looks like something else: an "isohybrid" installer image is an ISO 9660 file system
 * and a bootable disk at once, and is meant to be used as a disk.
 */
export function hasPartitionTable(head: Uint8Array): boolean {
  return hasMark(head, 512, 'EFI PART') || hasMark(head, 4096, 'EFI PART') || hasMasterBootRecord(head);
}

/*
 * MBR: four entries of 16 bytes from 446, then 55 aa.
 * An entry: boot flag (0x00 or 0x80) at 0, type at 4 (0: no partition), sectors (little-endian) at 12.
 */
function hasMasterBootRecord(head: Uint8Array): boolean {
  if (!hasMark(head, 510, '\x55\xaa')) return false;
  let partitions = 0;
  for (let entry = 446; entry < 510; entry += 16) {
    const bootFlag = head[entry];
    if (bootFlag !== 0x00 && bootFlag !== 0x80) return false;
    const sectors = head.subarray(entry + 12, entry + 16);
    if (head[entry + 4] !== 0 && sectors.some((byte) => byte !== 0)) partitions++;
  }
  return partitions > 0;
}
