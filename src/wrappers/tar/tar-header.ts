import { ImageRefused } from '../../formats/image-refused.ts';
import { hasMark } from '../../formats/probe.ts';

/*
 * A header (POSIX 1003.1, "ustar Interchange Format"; GNU tar's manual, "Basic Tar Format"), one block of 512 bytes:
 *
 *   0  100  name, up to a zero byte
 * 100   24  mode, uid, gid
 * 124   12  size
 * 136   12  time
 * 148    8  check sum: of all bytes, with blanks for these eight
 * 156    1  kind of member
 * 157  100  name of the link's target
 * 257    8  "ustar" 00 "00", or "ustar  " 00 from GNU tar; a v7 archive has neither
 * 265   80  owner's and group's names, device numbers
 * 345  155  what stands before the name, and a slash; not in GNU's and v7's headers
 *
 * and in a GNU header of kind S:
 *
 * 386   96  four ranges of data: offset (12), length (12)
 * 482    1  whether blocks with more ranges follow: 21 in each, and this byte again at 504
 * 483   12  length with the holes
 *
 * Numbers are octal digits, or, with the highest bit set, 95 bits with a sign.
 */
export const tarBlockBytes = 512;

export type TarFlavour = 'v7' | 'ustar' | 'gnu';

export interface TarHeader {
  readonly flavour: TarFlavour;
  readonly name: string;
  readonly sizeBytes: number;
  /** One character; a zero byte, of old archives, is '0'. */
  readonly kind: string;
}

/**
 * Whether a file begins as a tar archive does: with the mark of a header, be it damaged or cut short. A v7 header has no
 * mark: there the check sum must be right, and the numbers numbers.
 */
export function isTarHeader(head: Uint8Array): boolean {
  if (flavourOf(head) !== 'v7') return true;
  return (
    head.length >= tarBlockBytes &&
    head[0] !== 0 &&
    isSumRight(head.subarray(0, tarBlockBytes)) &&
    /^[ 0-7]{6,7}[ \0]{1,2}$/.test(textAt(head, 100, 8)) &&
    /^[ 0-7]{11,12}[ \0]?$/.test(textAt(head, 124, 12))
  );
}

/** @throws ImageRefused */
export function readTarHeader(block: Uint8Array, position: number): TarHeader {
  if (!isSumRight(block)) {
    throw new ImageRefused({
      check: 'tar.checksum',
      reason: `The tar archive is damaged: the check sum of the header at byte ${position} is wrong.`,
    });
  }
  const flavour = flavourOf(block);
  const name = stringAt(block, 0, 100);
  const prefix = flavour === 'ustar' ? stringAt(block, 345, 155) : '';
  const kind = String.fromCharCode(block[156] ?? 0);
  return {
    flavour,
    name: prefix === '' ? name : `${prefix}/${name}`,
    sizeBytes: readTarNumber(block.subarray(124, 136), 'size', position),
    kind: kind === '\0' ? '0' : kind,
  };
}

/**
 * A number of a header, never negative and at most 2^53 - 1.
 *
 * @throws ImageRefused
 */
export function readTarNumber(field: Uint8Array, what: string, position: number): number {
  const first = field[0] ?? 0;
  let value: number | undefined;
  if (first === 0x80) {
    value = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0);
  } else if (first < 0x80) {
    const digits = /^ *([0-7]*)[ \0]*$/.exec(Buffer.from(field).toString('latin1'))?.[1];
    value = digits === undefined ? undefined : Number.parseInt(digits === '' ? '0' : digits, 8);
  }
  if (value !== undefined && Number.isSafeInteger(value)) return value;
  throw new ImageRefused({
    check: 'tar.number',
    reason: `The tar archive is damaged: the ${what} in the header at byte ${position} is no number, negative, or too large.`,
  });
}

/** Whether a block is all zeros, as two are at an archive's end. */
export function isEndBlock(block: Uint8Array): boolean {
  return block.every((byte) => byte === 0);
}

function flavourOf(block: Uint8Array): TarFlavour {
  if (hasMark(block, 257, 'ustar  \0')) return 'gnu';
  return hasMark(block, 257, 'ustar\0') || hasMark(block, 257, 'ustar  ') ? 'ustar' : 'v7';
}

function isSumRight(block: Uint8Array): boolean {
  const claimed = /^ *([0-7]{1,8})[ \0]*$/.exec(textAt(block, 148, 8))?.[1];
  if (claimed === undefined) return false;
  const sum = block.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  return sum === Number.parseInt(claimed, 8);
}

function textAt(bytes: Uint8Array, offset: number, length: number): string {
  return Buffer.from(bytes.subarray(offset, offset + length)).toString('latin1');
}

/** The text of a field up to its first zero byte. */
function stringAt(bytes: Uint8Array, offset: number, length: number): string {
  return decodeName(bytes.subarray(offset, offset + length));
}

/** A name, up to its first zero byte. */
export function decodeName(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(end === -1 ? bytes : bytes.subarray(0, end)).toString('utf8');
}
