import { FilterRefused } from '../../../lib/filter-refused.ts';

/** Where a parser of filters is in its text. */
export class FilterCursor {
  readonly #text: string;
  #offset = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Of the next character, from 1. */
  get position(): number {
    return this.#offset + 1;
  }

  isAtEnd(): boolean {
    return this.#offset === this.#text.length;
  }

  /** What a sticky pattern matches here, and goes behind it. */
  take(pattern: RegExp): string | undefined {
    const found = this.look(pattern);
    if (found !== undefined) this.#offset += found.length;
    return found;
  }

  /** What a sticky pattern matches here, and stays. */
  look(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#offset;
    return pattern.exec(this.#text)?.[0];
  }

  /** The text between quotes, as it is written. */
  takeQuoted(): string | undefined {
    return this.take(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/sy)?.slice(1, -1);
  }

  /** The error for what comes next being something else. */
  expected(what: string): FilterRefused {
    return new FilterRefused(this.position, `expected ${what}`);
  }
}
