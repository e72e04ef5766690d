import type { FormatCheck, Violation } from '../disk-format.ts';
import { quoted } from './descriptor.ts';
import { isCompressed } from './header.ts';
import type { VmdkFacts } from './vmdk-facts.ts';

const flatten = 'Write it out whole, where all of its files are: qemu-img convert -f vmdk -O qcow2 FILE disk.qcow2';

/** A VMDK of any kind: each has one descriptor. */
type Described = Pick<VmdkFacts, 'descriptor'>;

/** What the descriptor must say: that this file is the whole disk, and nothing that leads to another one. */
export const descriptorChecks: readonly FormatCheck<VmdkFacts>[] = [
  { name: 'vmdk.encryption', violation: encryption },
  { name: 'vmdk.create-type', violation: createType },
  { name: 'vmdk.parent', violation: parent },
  { name: 'vmdk.extent', violation: extent },
];

/** What the descriptor of any disk must say, be the disk in this file or in several: that it is whole, and can be read. */
export const wholeDiskChecks: readonly FormatCheck<Described>[] = [
  { name: 'vmdk.encryption', violation: encryption },
  { name: 'vmdk.parent', violation: parent },
];

/** Workstation keeps the keys in the descriptor's header; ESXi names the filter that encrypts in the disk database. */
function encryption({ descriptor: { values, database } }: Described): Violation | undefined {
  const key =
    [...values.keys()].find((name) => /^encrypt|keysafe/.test(name)) ??
    [...database].find(([name, value]) => /encrypt|keysafe/i.test(name) || /vmcrypt/i.test(value))?.[0];
  if (key === undefined) return undefined;
  return {
    reason: `The disk is encrypted (its descriptor has ${quoted(key)}) and cannot be read without its key.`,
    remedy: "Remove the encryption in the virtual machine's settings, where it was made, and export it again.",
  };
}

function createType({ header, descriptor: { values } }: VmdkFacts): Violation | undefined {
  const type = values.get('createtype');
  if (type === undefined) return { reason: 'The descriptor does not say of what type the disk is (createType).' };
  if (type !== 'monolithicSparse' && type !== 'streamOptimized') {
    return {
      reason: `The disk is of type ${quoted(type)}: its data is in other files, which it names; only monolithicSparse and streamOptimized are one file.`,
      remedy: flatten,
    };
  }
  if ((type === 'streamOptimized') === isCompressed(header)) return undefined;
  return {
    reason: `The descriptor says that the disk is ${type}, and the header that its grains are ${isCompressed(header) ? '' : 'not '}compressed.`,
  };
}

/**
 * QEMU takes `parentFileNameHint` for a parent wherever it stands in the text, in a comment too: two programs would read
 * two disks.
 */
function parent({ descriptor: { values, text } }: Described): Violation | undefined {
  const id = values.get('parentcid');
  if (/parentFileNameHint/i.test(text) || (id !== undefined && id.toLowerCase() !== 'ffffffff')) {
    return { reason: 'The file is a layer on top of another file (its descriptor names a parent).', remedy: flatten };
  }
  if (id === undefined)
    return { reason: 'The descriptor does not say that the disk has no parent (parentCID=ffffffff).' };
  // Eight digits of base 16; Xen Orchestra writes up to ten of base 10.
  return /^[\da-f]{1,10}$/i.test(values.get('cid') ?? '')
    ? undefined
    : { reason: 'The descriptor does not say which content the disk has (CID).' };
}

function extent({ descriptor: { extents } }: VmdkFacts): Violation | undefined {
  const [only] = extents;
  if (only === undefined || extents.length > 1) {
    return { reason: `The descriptor lists ${extents.length} extents; a disk in one file has one.`, remedy: flatten };
  }
  const { access, type, fileName, offset } = only;
  if (type === 'SPARSE' && offset !== undefined) {
    return { reason: `The disk's extent begins at an offset (${offset}): only one that begins with its file is read.` };
  }
  if (type !== 'SPARSE') {
    return {
      reason: `The disk's extent is ${quoted(type)} in another file; only SPARSE is one file.`,
      remedy: flatten,
    };
  }
  if (access === 'NOACCESS') return { reason: "The disk's extent is one that may not be read (NOACCESS)." };
  if (fileName === undefined || fileName === '' || /[/\\]/.test(fileName)) {
    return {
      reason: `The disk's extent is in a file called ${quoted(fileName ?? '')}: it must be this one, without a path.`,
      remedy: flatten,
    };
  }
  return undefined;
}
