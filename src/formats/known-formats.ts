import type { DiskFormat } from './disk-format.ts';
import { qcow2 } from './qcow2/qcow2-format.ts';
import { unsupportedFormats } from './unsupported-formats.ts';
import { vdi } from './vdi/vdi-format.ts';
import { vhd } from './vhd/vhd-format.ts';
import { vhdx } from './vhdx/vhdx-format.ts';
import { otherVmdks } from './vmdk/other-vmdks.ts';
import { vmdk } from './vmdk/vmdk-format.ts';

/**
 * Every format that has a mark of its own: those that are read, and those that are refused by name. Recognising and
 * opening are one object, so that what was checked is what is read. A raw disk has no mark and is not in the list.
 */
export const knownFormats: readonly DiskFormat[] = [qcow2, vhd, vdi, vhdx, vmdk, ...otherVmdks, ...unsupportedFormats];
