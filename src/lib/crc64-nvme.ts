/**
 * CRC-64 of the NVM Express specification (NVM Command Set, "64b CRC Guard"), which clients of S3 send: by tables for eight
 * bytes at a time, each entry in two halves, because BigInt arithmetic is slower by two orders of magnitude.
 */
const reversedPolynomial = 0x9a6c9329ac4bc9b5n;

interface Half {
  readonly high: Uint32Array;
  readonly low: Uint32Array;
}

/** For each distance of a byte from the end of its eight, what it adds to the sum. */
const tables: readonly Half[] = makeTables();

function makeTables(): Half[] {
  const first = Array.from({ length: 256 }, (_, byte) => {
    let sum = BigInt(byte);
    for (let bit = 0; bit < 8; bit += 1) sum = sum & 1n ? (sum >> 1n) ^ reversedPolynomial : sum >> 1n;
    return sum;
  });
  const all = [first];
  for (let previous = first; all.length < 8; ) {
    previous = previous.map((sum) => (sum >> 8n) ^ (first[Number(sum & 255n)] ?? 0n));
    all.push(previous);
  }
  return all.map((sums) => ({
    high: Uint32Array.from(sums, (sum) => Number(sum >> 32n)),
    low: Uint32Array.from(sums, (sum) => Number(sum & 0xffffffffn)),
  }));
}

const none: Half = { high: new Uint32Array(256), low: new Uint32Array(256) };
const [t0 = none, t1 = none, t2 = none, t3 = none, t4 = none, t5 = none, t6 = none, t7 = none] = tables;

/** A running sum. */
export class Crc64Nvme {
  #high = 0xffffffff;
  #low = 0xffffffff;

  update(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const at = (half: Uint32Array, byte: number): number => half[byte & 255] ?? 0;
    let [high, low] = [this.#high, this.#low];
    let offset = 0;
    for (const end = bytes.length - 7; offset < end; offset += 8) {
      const a = low ^ view.getUint32(offset, true);
      const b = high ^ view.getUint32(offset + 4, true);
      low =
        at(t7.low, a) ^
        at(t6.low, a >>> 8) ^
        at(t5.low, a >>> 16) ^
        at(t4.low, a >>> 24) ^
        at(t3.low, b) ^
        at(t2.low, b >>> 8) ^
        at(t1.low, b >>> 16) ^
        at(t0.low, b >>> 24);
      high =
        at(t7.high, a) ^
        at(t6.high, a >>> 8) ^
        at(t5.high, a >>> 16) ^
        at(t4.high, a >>> 24) ^
        at(t3.high, b) ^
        at(t2.high, b >>> 8) ^
        at(t1.high, b >>> 16) ^
        at(t0.high, b >>> 24);
    }
    for (; offset < bytes.length; offset += 1) {
      const byte = low ^ view.getUint8(offset);
      low = ((low >>> 8) | (high << 24)) ^ at(t0.low, byte);
      high = (high >>> 8) ^ at(t0.high, byte);
    }
    [this.#high, this.#low] = [high, low];
  }

  /** Of all bytes until now: eight bytes, big-endian. */
  digest(): Buffer {
    const sum = Buffer.alloc(8);
    sum.writeUInt32BE(~this.#high >>> 0, 0);
    sum.writeUInt32BE(~this.#low >>> 0, 4);
    return sum;
  }
}
