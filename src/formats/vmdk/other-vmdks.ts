import { type DiskFormat, refusedFormat } from '../disk-format.ts';
import { ImageRefused } from '../image-refused.ts';
import { hasMark, type Probe } from '../probe.ts';

/** What is done with a VMDK of several files, by a program that can open them all. */
const withQemu =
  'Make one file of them, where they are, and name the small text file: qemu-img convert -f vmdk -O qcow2 FILE disk.qcow2';
const withVmware =
  'Make one file of them, where they are, and name the small text file: vmware-vdiskmanager -r FILE -t 0 disk.vmdk';

/** The types whose parts QEMU can open; for the others (devices, mappings of devices, custom) it takes VMware's own tool. */
const typesOfQemu: readonly string[] = [
  'monolithicFlat',
  'twoGbMaxExtentFlat',
  'twoGbMaxExtentSparse',
  'vmfs',
  'vmfsSparse',
  'seSparse',
];

const descriptorFile: DiskFormat = {
  name: 'VMDK descriptor',
  recognises: isDescriptorFile,
  async open(_source, probe) {
    const type = createTypeOf(probe);
    const named = type === undefined ? '' : ` of type ${type}`;
    throw new ImageRefused({
      check: 'format.unsupported',
      reason: `The file is the text descriptor of a VMDK${named}: the disk itself is in other files, which it names.`,
      remedy: type === undefined || typesOfQemu.includes(type) ? withQemu : withVmware,
    });
  },
};

/** VMDKs that are recognised so that they can be refused by name. */
export const otherVmdks: readonly DiskFormat[] = [
  descriptorFile,
  refusedFormat({
    name: 'COWD VMDK',
    check: 'format.unsupported',
    reason:
      'The file is one part of a VMDK of type vmfsSparse (COWD): a snapshot of an ESX server, whose rest is in other files.',
    remedy: withQemu,
    recognises: ({ head }) => hasMark(head, 0, 'COWD'),
  }),
  refusedFormat({
    name: 'seSparse VMDK',
    check: 'format.unsupported',
    reason:
      'The file is one part of a VMDK of type seSparse: a snapshot of an ESXi server, whose rest is in other files.',
    remedy: withQemu,
    recognises: ({ head }) => hasMark(head, 0, '\xbe\xba\xfe\xca\0\0\0\0'),
  }),
];

/**
 * A descriptor has no magic: by its first line, or as QEMU has it, by `version=` as the first line that is neither blank
 * nor a comment.
 */
function isDescriptorFile({ head }: Probe): boolean {
  for (const each of startOf(head).split('\n')) {
    const line = each.trim();
    if (/^# Disk DescriptorFile/i.test(line) || /^version[ \t]*=[ \t]*\d/.test(line)) return true;
    if (line !== '' && !line.startsWith('#')) return false;
  }
  return false;
}

function createTypeOf({ head }: Probe): string | undefined {
  return /^[ \t]*createType[ \t]*=[ \t]*"?([A-Za-z0-9]{1,32})/m.exec(startOf(head))?.[1];
}

/** Far more than comes before what is looked for. */
function startOf(head: Uint8Array): string {
  return Buffer.from(head.subarray(0, 4096)).toString('latin1');
}
