import { ImageRefused } from '../image-refused.ts';

const mib = 1024 * 1024;

/** The longest file that is read: 8 MiB of memory to say what is where. The largest VHDX disk has as many bytes. */
export const maxFileBytes = 64 * 1024 ** 4;

/**
 * Whose each MiB of a file is. Everything in a VHDX file begins on a MiB border and shares no MiB with anything else: a
 * block that is also a table hands metadata to the guest, and one block named many times makes a small file much work.
 */
export class ClaimedSpace {
  readonly #bits: Uint32Array;
  readonly #sections: { readonly name: string; readonly first: number; readonly last: number }[] = [];

  constructor(fileBytes: number) {
    this.#bits = new Uint32Array(Math.ceil(Math.ceil(fileBytes / mib) / 32));
  }

  /** @throws ImageRefused when a part of it is taken */
  claimSection(name: string, offset: number, length: number): void {
    this.#claim(name, offset, length);
    this.#sections.push({ name, first: offset / mib, last: Math.ceil((offset + length) / mib) - 1 });
  }

  /**
   * Claims the place of a payload block.
   *
   * @throws ImageRefused when a part of it is taken
   */
  claimBlock(index: number, offset: number, length: number): void {
    this.#claim(`block ${index}`, offset, length);
  }

  #claim(name: string, offset: number, length: number): void {
    const end = Math.ceil((offset + length) / mib);
    for (let at = offset / mib; at < end; at++) {
      const word = at >>> 5;
      const bit = 1 << (at & 31);
      const before = this.#bits[word] ?? 0;
      if ((before & bit) !== 0) throw overlap(name, offset, this.#ownerOf(at));
      this.#bits[word] = before | bit;
    }
  }

  #ownerOf(at: number): string {
    const section = this.#sections.find(({ first, last }) => first <= at && at <= last);
    return section === undefined ? 'another block' : `the ${section.name}`;
  }
}

function overlap(name: string, offset: number, other: string): ImageRefused {
  return new ImageRefused({
    check: 'vhdx.overlap',
    reason: `The ${name} stands at ${offset}, where ${other} is.`,
    remedy: 'Look at it where it was made: Test-VHD FILE in PowerShell, or qemu-img check FILE',
  });
}
