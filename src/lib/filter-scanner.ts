import { FilterRefused } from './filter-refused.ts';

/** C's escapes of one character, without those that need digits: no name or label holds such characters. */
const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  "'": "'",
  '\\': '\\',
  '?': '?',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** Takes the parts of a filter's text from left to right; each `take...` skips space first. */
export class FilterScanner {
  readonly #text: string;
  #offset = 0;

  constructor(text: string) {
    this.#text = text;
    this.#skipSpace();
  }

  /** Of the next part, from 1. */
  get position(): number {
    return this.#offset + 1;
  }

  isAtEnd(): boolean {
    return this.#offset >= this.#text.length;
  }

  /** The error for a next part that is something else. */
  expected(what: string): FilterRefused {
    const rest = this.#text.slice(this.#offset, this.#offset + 20);
    return new FilterRefused(
      this.position,
      `expected ${what}, found ${rest === '' ? 'the end' : JSON.stringify(rest)}`,
    );
  }

  takeWord(): string | undefined {
    return this.#take(/[\w\-.:+/@]+/y);
  }

  /** The word, in any case, when it is the next one. */
  takeKeyword(word: string): boolean {
    const before = this.#offset;
    if (this.takeWord()?.toUpperCase() === word) return true;
    this.#offset = before;
    return false;
  }

  takeSymbol(symbol: '(' | ')' | ','): boolean {
    if (this.#text[this.#offset] !== symbol) return false;
    this.#offset++;
    this.#skipSpace();
    return true;
  }

  /** A run of the characters that comparisons are made of; whether it is one is for the caller to see. */
  takeCompareSymbol(): { text: string; position: number } | undefined {
    const { position } = this;
    const text = this.#take(/[=!<>]+/y);
    return text === undefined ? undefined : { text, position };
  }

  /** Text in quotes, without them and with its escapes resolved. */
  takeQuoted(): string | undefined {
    const start = this.#offset;
    const mark = this.#text[start];
    if (mark !== '"' && mark !== "'") return undefined;
    let text = '';
    for (let offset = start + 1; offset < this.#text.length; offset++) {
      const character = this.#text.charAt(offset);
      if (character === mark) {
        this.#offset = offset + 1;
        this.#skipSpace();
        return text;
      }
      if (character === '\0') throw new FilterRefused(offset + 1, 'values hold no NUL character');
      if (character !== '\\') {
        text += character;
        continue;
      }
      offset++;
      const escaped = Object.hasOwn(escapes, this.#text.charAt(offset))
        ? escapes[this.#text.charAt(offset)]
        : undefined;
      if (escaped === undefined) throw new FilterRefused(offset, 'unknown escape: write \\\\ for a backslash');
      text += escaped;
    }
    throw new FilterRefused(start + 1, 'the quoted text never ends');
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#offset;
    const text = pattern.exec(this.#text)?.[0];
    if (text === undefined) return undefined;
    this.#offset += text.length;
    this.#skipSpace();
    return text;
  }

  #skipSpace(): void {
    while (' \t\r\n'.includes(this.#text[this.#offset] ?? 'x')) this.#offset++;
  }
}
