import type { ByteSource, ReadOptions } from '../byte-source.ts';
import { ImageRefused } from '../image-refused.ts';
import { printable } from '../printable.ts';
import type { Probe } from '../probe.ts';
import { toBytes, type VmdkHeader } from './header.ts';

/*
 * The descriptor: text, lines that end with LF or CR LF, zeros behind it. Source: VMware, Virtual Disk Format 5.0, "The
 * Descriptor File". Each line is one of
 *
 *   # comment
 *   key=value                              the header: createType="monolithicSparse", parentCID=ffffffff, ...
 *   RW 2048 SPARSE "disk.vmdk"             an extent: access, sectors, type, file name, offset
 *   ddb.key = "value"                      the disk database: geometry, adapter, identifiers
 */

/** As much as QEMU reads: 1 MiB less one byte. Real ones have 10 KiB. */
const maxDescriptorSectors = 2047n;

/**
 * Where programs that rewrite a part of the text in place leave bytes of the longer, earlier one: QEMU, when the new CID
 * has fewer digits. So few of them make no line that means anything.
 */
const maxLeftOver = 8;

export interface DescriptorExtent {
  readonly access: string;
  /** In sectors, as written. */
  readonly sectors: bigint;
  /** SPARSE, FLAT, ZERO, VMFS, ... */
  readonly type: string;
  /** The file it is in; undefined where none is given. */
  readonly fileName: string | undefined;
  readonly offset: string | undefined;
}

export interface Descriptor {
  /** The header's values by their keys in lower case. No key is given twice. */
  readonly values: ReadonlyMap<string, string>;
  /** The disk database's values by their keys. */
  readonly database: ReadonlyMap<string, string>;
  readonly extents: readonly DescriptorExtent[];
  /** All of it, for what programs look for without regard to lines. */
  readonly text: string;
}

/**
 * Reads and parses the descriptor that the header points to.
 *
 * @throws ImageRefused when it is not where descriptors are, or has anything in it that is not a descriptor's
 */
export async function readDescriptor(
  header: VmdkHeader,
  { head }: Probe,
  source: ByteSource,
  options?: ReadOptions,
): Promise<Descriptor> {
  const { descriptorOffset, descriptorSize } = header;
  if (descriptorOffset === 0n || descriptorSize === 0n) throw noDescriptor();
  // Programs disagree on whether the offset counts at all: for QEMU the descriptor stands at sector 1, whatever it says.
  if (descriptorOffset !== 1n || descriptorSize > maxDescriptorSectors) {
    throw new ImageRefused({
      check: 'vmdk.descriptor-place',
      reason: `The descriptor is said to have ${descriptorSize} sectors at sector ${descriptorOffset}; it must begin at sector 1 and have ${maxDescriptorSectors} at most.`,
    });
  }
  const start = toBytes(1);
  const end = start + toBytes(descriptorSize);
  if (end > source.sizeBytes) {
    throw new ImageRefused({
      check: 'vmdk.truncated',
      reason: `The file ends within its descriptor: it has ${source.sizeBytes} bytes of ${end}.`,
      remedy: 'Compare its length with the original, and send it again.',
    });
  }
  return parseDescriptor(
    end <= head.length ? head.subarray(start, end) : await source.read(start, end - start, options),
  );
}

/** @throws ImageRefused */
export function parseDescriptor(bytes: Uint8Array): Descriptor {
  const text = textOf(bytes);
  const values = new Map<string, string>();
  const database = new Map<string, string>();
  const extents: DescriptorExtent[] = [];
  for (const [index, each] of text.split('\n').entries()) {
    const line = each.trim();
    if (line === '' || line.startsWith('#')) continue;
    const extent = extentOf(line);
    const entry = entryOf(line);
    if (extent !== undefined) {
      extents.push(extent);
    } else if (entry === undefined) {
      throw bad(`its line ${index + 1} is neither a comment, a value nor an extent: ${quoted(line)}`);
    } else if (entry.key.startsWith('ddb.')) {
      database.set(entry.key, entry.value);
    } else {
      const key = entry.key.toLowerCase();
      if (values.has(key)) throw bad(`it says ${quoted(entry.key)} twice`);
      values.set(key, entry.value);
    }
  }
  return { values, database, extents, text };
}

function textOf(bytes: Uint8Array): string {
  const zero = bytes.indexOf(0);
  const length = zero === -1 ? bytes.length : zero;
  if (length === 0) throw noDescriptor();
  if (bytes.subarray(length + 1 + maxLeftOver).some((byte) => byte !== 0)) {
    throw bad(`it goes on behind the zero byte at ${length}, where it ends`);
  }
  const text = decoded(bytes.subarray(0, length));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be in it
  const control = /[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)/.exec(text);
  if (control !== null) {
    throw bad(`it has the control character ${control[0].charCodeAt(0)} in it, at ${control.index}`);
  }
  return text;
}

function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw bad('it is not UTF-8', cause);
  }
}

function extentOf(line: string): DescriptorExtent | undefined {
  const match =
    /^(RW|RDONLY|NOACCESS)[ \t]+(\d{1,20})[ \t]+([A-Za-z0-9]{1,20})(?:[ \t]+"([^"]*)"(?:[ \t]+(\d{1,20}))?)?$/.exec(
      line,
    );
  if (match === null) return undefined;
  const [, access = '', sectors = '', type = '', fileName, offset] = match;
  return { access, sectors: BigInt(sectors), type, fileName, offset };
}

/** ovftool writes createType without quotation marks. */
function entryOf(line: string): { key: string; value: string } | undefined {
  const match = /^([A-Za-z][\w.:-]*)[ \t]*=[ \t]*(?:"([^"]*)"|([^"\s]*))$/.exec(line);
  if (match === null) return undefined;
  const [, key = '', inMarks, bare] = match;
  return { key, value: inMarks ?? bare ?? '' };
}

/** A value of the disk database that is only shown; null where there is none. */
export function databaseValue({ database }: Descriptor, key: string): string | null {
  const value = database.get(key);
  return value === undefined ? null : printable(value.slice(0, 64));
}

/** VMware leaves no room for one in such a part, QEMU leaves the room empty. */
function noDescriptor(): ImageRefused {
  return new ImageRefused({
    check: 'vmdk.no-descriptor',
    reason: 'The file has no descriptor in it: it is one part of a VMDK that was split into several files.',
    remedy:
      'Make one file of them, where they are; name the small text file that lists the parts: qemu-img convert -f vmdk -O qcow2 FILE disk.qcow2',
  });
}

function bad(what: string, cause?: unknown): ImageRefused {
  return new ImageRefused({
    check: 'vmdk.descriptor',
    reason: `The descriptor in the file is not one: ${what}.`,
    remedy: 'Write it anew from a disk that is known: qemu-img convert -f vmdk -O qcow2 FILE disk.qcow2',
    cause,
  });
}

/** Words from the file, safe to print. */
export function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 80).replaceAll(/[^ -~]+/g, '?'));
}
