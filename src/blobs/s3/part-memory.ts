import type { Body } from './sign-bodies.ts';

/** Two of a pack that is sealed and two of the one that fills meanwhile: an import has no more. */
const keptParts = 4;

/** Memory of parts, used again by one blob after the other: megabytes that are made and dropped gather until they are collected. */
export class PartMemory {
  readonly #partBytes: number;
  readonly #spare: Body[] = [];

  constructor(partBytes: number) {
    this.#partBytes = partBytes;
  }

  take(): Body {
    return this.#spare.pop() ?? new Uint8Array(this.#partBytes);
  }

  /** Only what no request sends any more. */
  giveBack(part: Body | undefined): void {
    if (part?.byteLength === this.#partBytes && this.#spare.length < keptParts) this.#spare.push(part);
  }
}
