import { crc32 } from 'node:zlib';

export const blockBytes = 4096;
const magic = 'OBRZTEST';

/** What a block of a test's disk says of itself; version 0 is a block that was never written. */
export interface Stamp {
  readonly version: number;
  readonly writer: number;
}

/**
 * A block that says which one it is, in which version and by whom: magic, block u32, version u32, writer u32, then bytes
 * that follow from these, and a CRC-32 of all of it at the end.
 */
export function stampedBlock(block: number, { version, writer }: Stamp): Buffer {
  const bytes = Buffer.alloc(blockBytes, (block * 31 + version * 7 + writer) % 256);
  bytes.write(magic, 0, 'latin1');
  bytes.writeUInt32LE(block, 8);
  bytes.writeUInt32LE(version, 12);
  bytes.writeUInt32LE(writer, 16);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, blockBytes - 4)), blockBytes - 4);
  return bytes;
}

/** Throws for a block that is torn, or another one. */
export function readStamp(block: number, bytes: Buffer): Stamp {
  if (bytes.every((byte) => byte === 0)) return { version: 0, writer: 0 };
  const stamp = { version: bytes.readUInt32LE(12), writer: bytes.readUInt32LE(16) };
  if (!stampedBlock(block, stamp).equals(bytes)) {
    throw new Error(`block ${block} is torn or another one: ${bytes.subarray(0, 20).toString('hex')}`);
  }
  return stamp;
}

/** Versions of every block that a copy of the disk may have, both ends included. */
export interface PossibleVersions {
  readonly least: Uint32Array;
  readonly most: Uint32Array;
}

/** What was written to a disk, by whom it was acknowledged, and what of it was flushed. */
export class BlockLedger {
  readonly blocks: number;
  /** By block: the newest version that was sent, acknowledged, and flushed. */
  readonly sent: Uint32Array;
  readonly acknowledged: Uint32Array;
  readonly flushed: Uint32Array;
  #version = 0;

  /** `from`: the versions that the disk has from the start. */
  constructor(blocks: number, from: Uint32Array = new Uint32Array(blocks)) {
    this.blocks = blocks;
    this.sent = from.slice();
    this.acknowledged = from.slice();
    this.flushed = from.slice();
    this.#version = from.reduce((most, version) => Math.max(most, version), 0);
  }

  /** New contents of blocks; call what is returned when the server has acknowledged them. */
  send(first: number, count: number, writer: number): { bytes: Buffer; acknowledged(isDurable: boolean): void } {
    this.#version += 1;
    const version = this.#version;
    const numbers = Array.from({ length: count }, (_, index) => first + index);
    this.sent.fill(version, first, first + count);
    return {
      bytes: Buffer.concat(numbers.map((block) => stampedBlock(block, { version, writer }))),
      acknowledged: (isDurable) => {
        this.acknowledged.fill(version, first, first + count);
        if (isDurable) this.flushed.fill(version, first, first + count);
      },
    };
  }

  /** A flush begins: what is acknowledged by now is durable when the returned function is called. */
  flush(): () => void {
    const covered = this.acknowledged.slice();
    return () => {
      for (const [block, version] of covered.entries()) {
        if (version > (this.flushed[block] ?? 0)) this.flushed[block] = version;
      }
    };
  }

  /** Holds the whole disk after a restart against what it may be, and takes it for what is durable from then on. */
  restarted(bytes: Buffer): void {
    const found = checkBlocks(bytes, { least: this.flushed, most: this.sent }, 'the disk');
    for (const versions of [this.sent, this.acknowledged, this.flushed]) versions.set(found);
  }
}

/** Throws unless every block is whole, and in a version that it may have. Returns the versions. */
export function checkBlocks(bytes: Buffer, { least, most }: PossibleVersions, what: string): Uint32Array {
  return least.map((from, block) => {
    const to = most[block] ?? 0;
    const { version } = readStamp(block, bytes.subarray(block * blockBytes, (block + 1) * blockBytes));
    if (version < from || version > to) {
      throw new Error(`${what} has block ${block} in version ${version}; it may have ${from} to ${to}`);
    }
    return version;
  });
}
