import { open } from 'node:fs/promises';

const mebibyte = 1024 * 1024;
const words = 'image volume chunk pack manifest extent segment folder operation source guest disk block lease'.split(
  ' ',
);

export interface SyntheticDisk {
  /** Disks with different seeds have no block in common. */
  readonly seed: number;
  readonly dataMb: number;
  /** Data put in after the first half, which moves the rest back. */
  readonly insertedMb: number;
}

/**
 * Writes a raw disk of pieces of 1 MiB, each behind a hole of the same size: of three pieces two are like text (they
 * shrink to about a third) and one does not compress.
 */
export async function writeSyntheticDisk(path: string, { seed, dataMb, insertedMb }: SyntheticDisk): Promise<void> {
  const pieces = Math.ceil((dataMb * 1e6) / mebibyte);
  const inserted = Math.ceil((insertedMb * 1e6) / mebibyte);
  await using file = await open(path, 'w');
  await file.truncate(2 * (pieces + inserted) * mebibyte);
  for (let index = 0; index < pieces; index += 1) {
    const place = index < pieces / 2 ? index : index + inserted;
    const content = index % 3 === 2 ? randomBytes(seed, index) : textBytes(seed, index);
    await file.write(content, 0, mebibyte, 2 * place * mebibyte);
  }
  for (let index = 0; index < inserted; index += 1) {
    const place = Math.ceil(pieces / 2) + index;
    await file.write(textBytes(seed, pieces + index), 0, mebibyte, 2 * place * mebibyte);
  }
}

/** Numbers of 32 bits that look random, the same for the same seed (xorshift32). */
function* randomNumbers(seed: number, index: number): Generator<number, never> {
  let state = (Math.imul(seed, 2_654_435_761) ^ Math.imul(index + 1, 40_503)) >>> 0 || 1;
  for (;;) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    yield state;
  }
}

function randomBytes(seed: number, index: number): Uint8Array {
  const numbers = randomNumbers(seed, index);
  return new Uint8Array(Uint32Array.from({ length: mebibyte / 4 }, () => numbers.next().value).buffer);
}

function textBytes(seed: number, index: number): Uint8Array {
  const bytes = Buffer.alloc(mebibyte);
  const numbers = randomNumbers(seed, index);
  for (let place = 0; place < mebibyte; ) {
    const number = numbers.next().value;
    place += bytes.write(`${words[number % words.length]}-${number % 10_007} `, place, 'latin1') || 1;
  }
  return bytes;
}
