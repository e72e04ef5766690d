/**
 * The fields of one object of a list that people write. What is wrong is added to `problems`, each with its place, and
 * reading goes on, so that all of it can be told at once. `end` tells of fields that nobody asked for.
 */
export class ListFields {
  readonly #values: ReadonlyMap<string, unknown>;
  readonly #place: string;
  readonly #problems: string[];
  readonly #asked = new Set<string>();

  private constructor(values: ReadonlyMap<string, unknown>, place: string, problems: string[]) {
    this.#values = values;
    this.#place = place;
    this.#problems = problems;
  }

  static of(value: unknown, place: string, problems: string[]): ListFields {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    const fields = new ListFields(new Map(isObject ? Object.entries(value) : []), place, problems);
    if (!isObject) problems.push(`${place === '' ? 'the file' : place}: give fields and values`);
    return fields;
  }

  /** A text, or a number or yes-or-no as it was written; undefined when the field is not there. */
  text(key: string, pattern = /./, meant = 'not empty'): string | undefined {
    const value = this.#get(key);
    if (value === undefined) return undefined;
    const text = typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
    if (text !== undefined && pattern.test(text)) return text;
    return this.wrong(key, `${shown(value)} is wrong: ${meant}`, '');
  }

  /** An address of the web, without a password. */
  url(key: string): string | undefined {
    const text = this.text(key);
    if (text === undefined) return undefined;
    const url = URL.parse(text);
    const isUsable = (url?.protocol === 'https:' || url?.protocol === 'http:') && url.username + url.password === '';
    if (url !== null && isUsable) return url.href;
    return this.wrong(key, `${shown(text)} is no http or https address, or has a password in it`, '');
  }

  /** A whole number from 1. */
  count(key: string, max: number): number | undefined {
    const value = this.#get(key);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= max) return value;
    return this.wrong(key, `${shown(value)} is not a whole number from 1 to ${max}`, 1);
  }

  flag(key: string): boolean | undefined {
    const value = this.#get(key);
    if (value === undefined || typeof value === 'boolean') return value;
    return this.wrong(key, `${shown(value)} is neither true nor false`, false);
  }

  choice<T extends string>(key: string, choices: readonly T[]): T | undefined {
    const value = this.#get(key);
    if (value === undefined) return undefined;
    const choice = choices.find((candidate) => candidate === value);
    if (choice === undefined) this.wrong(key, `${shown(value)} is not one of ${choices.join(', ')}`, undefined);
    return choice;
  }

  list(key: string): readonly unknown[] | undefined {
    const value = this.#get(key);
    if (value === undefined) return undefined;
    if (Array.isArray(value)) return value;
    return this.wrong(key, `${shown(value)} is not a list`, []);
  }

  texts(key: string): string[] | undefined {
    return this.list(key)?.map((value) => {
      if (typeof value === 'string') return value;
      return this.wrong(key, `${shown(value)} is not a text`, '');
    });
  }

  textMap(key: string): Record<string, string> | undefined {
    const value = this.#get(key);
    if (value === undefined) return undefined;
    const fields = ListFields.of(value, this.#at(key), this.#problems);
    const entries = fields.#values.keys().map((name) => [name, fields.text(name, /^/) ?? ''] as const);
    return Object.fromEntries(entries);
  }

  /** Says that a field should be there. Returns `instead`, to go on with. */
  missing<T>(key: string, instead: T): T {
    this.#problems.push(`${this.#place === '' ? '' : `${this.#place}: `}${key} is missing`);
    return instead;
  }

  /** Says what is wrong with a field. Returns `instead`, to go on with. */
  wrong<T>(key: string, fact: string, instead: T): T {
    this.#problems.push(`${this.#at(key)}: ${fact}`);
    return instead;
  }

  /** Call it last: tells of the fields that are not known. */
  end(): void {
    for (const key of this.#values.keys()) {
      if (this.#asked.has(key)) continue;
      this.wrong(key, `not known here; known are ${[...this.#asked].join(', ')}`, undefined);
    }
  }

  /** A field without a value is as good as none. */
  #get(key: string): unknown {
    this.#asked.add(key);
    return this.#values.get(key) ?? undefined;
  }

  #at(key: string): string {
    return this.#place === '' ? key : `${this.#place}.${key}`;
  }
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`;
}
