import { crc32 } from 'node:zlib';
import { unitBytes } from './piece.ts';

const sumBytes = 4;

/** The sums of a piece that is being written, as its bytes come. */
export class UnitSums {
  readonly #sums: number[] = [];
  #sum = 0;
  #sizeBytes = 0;

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  add(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const some = bytes.subarray(done, done + unitBytes - (this.#sizeBytes % unitBytes));
      this.#sum = crc32(some, this.#sum);
      this.#sizeBytes += some.length;
      done += some.length;
      if (this.#sizeBytes % unitBytes === 0) this.#endUnit();
    }
  }

  /** As Piece has them. To be asked for once. */
  finish(): Uint8Array {
    if (this.#sizeBytes % unitBytes !== 0) this.#endUnit();
    const sums = Buffer.alloc(this.#sums.length * sumBytes);
    for (const [unit, sum] of this.#sums.entries()) sums.writeUInt32LE(sum, unit * sumBytes);
    return sums;
  }

  #endUnit(): void {
    this.#sums.push(this.#sum);
    this.#sum = 0;
  }
}

/** Whether `bytes` are what a piece has from the beginning of its unit `first` on; they end with a unit. */
export function areRight(bytes: Uint8Array, first: number, sums: Uint8Array): boolean {
  const view = new DataView(sums.buffer, sums.byteOffset, sums.byteLength);
  for (let unit = first, at = 0; at < bytes.length; unit += 1, at += unitBytes) {
    if ((unit + 1) * sumBytes > sums.byteLength) return false;
    if (crc32(bytes.subarray(at, at + unitBytes)) !== view.getUint32(unit * sumBytes, true)) return false;
  }
  return true;
}
