import { type DiskFormat, refusedFormat } from './disk-format.ts';
import { hasPartitionTable } from './partition-table.ts';
import { hasMark, type Probe } from './probe.ts';

/** Marks of an ISO 9660 volume descriptor: its standard identifier in the 17th block of 2048 bytes. */
const isoMarkOffset = 0x8001;

/** A virtual disk of a kind that is not read, which qemu-img can turn into one that is. */
function otherDisk(name: string, qemuName: string, recognises: (probe: Probe) => boolean): DiskFormat {
  return refusedFormat({
    name,
    check: 'format.unsupported',
    reason: `The file is a ${name} disk, a format that is not read.`,
    remedy: `Convert it: qemu-img convert -f ${qemuName} -O qcow2 FILE disk.qcow2`,
    recognises,
  });
}

/** A packed file of a kind that is not unpacked (src/wrappers takes off those that are). */
function wrapped(name: string, command: string, recognises: (probe: Probe) => boolean): DiskFormat {
  return refusedFormat({
    name,
    check: 'format.wrapped',
    reason: `The file is packed with ${name}, which is not unpacked.`,
    remedy: `Unpack it: ${command}`,
    recognises,
  });
}

function headIs(...marks: string[]): (probe: Probe) => boolean {
  return ({ head }) => marks.some((mark) => hasMark(head, 0, mark));
}

/**
 * A CD image, unless it is also a partitioned disk. In a qcow2 file whose clusters are small these bytes belong to the
 * guest, and the guest may hold a CD; in the first cluster they can only be a second identity.
 */
function isIso({ head }: Probe): boolean {
  if (!hasMark(head, isoMarkOffset, 'CD001') || hasPartitionTable(head)) return false;
  const clusterBits = hasMark(head, 0, 'QFI\xfb') ? (head[23] ?? 0) : 64;
  return 2 ** clusterBits > isoMarkOffset;
}

/**
 * What is recognised so that it can be refused by name, with the command that helps. Where a format's mark stands is
 * in its own documentation and in `file(1)`'s magic.
 */
export const unsupportedFormats: readonly DiskFormat[] = [
  otherDisk('QED', 'qed', headIs('QED\0')),
  otherDisk('Parallels', 'parallels', headIs('WithoutFreeSpace', 'WithouFreSpacExt')),
  otherDisk('DMG', 'dmg', ({ tail }) => hasMark(tail, 0, 'koly\0\0\0\x04\0\0\x02\0')),
  otherDisk('Bochs', 'bochs', headIs('Bochs Virtual HD Image')),
  otherDisk('cloop', 'cloop', headIs('#!/bin/sh\n#V2.0 Format')),
  refusedFormat({
    name: 'LUKS',
    check: 'format.encrypted',
    reason: 'The file is a LUKS container: its disk is encrypted and cannot be read without its key.',
    remedy:
      'Decrypt it: qemu-img convert --object secret,id=key,file=KEYFILE --image-opts driver=luks,file.filename=FILE,key-secret=key -O qcow2 disk.qcow2',
    recognises: headIs('LUKS\xba\xbe'),
  }),
  refusedFormat({
    name: 'ISO 9660',
    check: 'format.not-a-disk',
    reason: 'The file is a CD or DVD image (ISO 9660) without a partition table, not a disk.',
    remedy:
      'Install from it onto a disk, and import that disk: qemu-img create -f qcow2 disk.qcow2 20G, then qemu-system-x86_64 -m 2G -cdrom FILE disk.qcow2',
    recognises: isIso,
  }),
  wrapped('lz4', 'unlz4 FILE', headIs('\x04\x22\x4d\x18')),
  wrapped('zip', 'unzip FILE', headIs('PK\x03\x04', 'PK\x05\x06')),
  wrapped('7-Zip', '7z x FILE', headIs("7z\xbc\xaf'\x1c")),
];
