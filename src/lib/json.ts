/** What JSON text can say. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** JSON that we wrote ourselves does not look as it was written: another version's row, or a damaged one. */
export class JsonShapeWrong extends Error {
  constructor(what: string, expected: string) {
    super(`${what} is not ${expected}`);
    this.name = 'JsonShapeWrong';
  }
}

/** Throws SyntaxError for anything but JSON. */
export function parseJson(text: string): JsonValue {
  return JSON.parse(text) as JsonValue; // JSON.parse makes nothing else
}

export function objectOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new JsonShapeWrong(what, 'an object');
  return { ...value };
}

export function stringOf(object: Readonly<Record<string, unknown>>, key: string): string {
  const value = object[key];
  if (typeof value !== 'string') throw new JsonShapeWrong(key, 'a string');
  return value;
}

export function integerOf(object: Readonly<Record<string, unknown>>, key: string): number {
  const value = object[key];
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw new JsonShapeWrong(key, 'a whole number');
  return value;
}

export function booleanOf(object: Readonly<Record<string, unknown>>, key: string): boolean {
  const value = object[key];
  if (typeof value !== 'boolean') throw new JsonShapeWrong(key, 'true or false');
  return value;
}

/** `value` when it is one of `choices`. */
export function choiceOf<T extends string>(value: unknown, choices: readonly T[], what: string): T {
  const choice = choices.find((candidate) => candidate === value);
  if (choice === undefined) throw new JsonShapeWrong(what, `one of ${choices.join(', ')}`);
  return choice;
}

export function stringsOf(value: unknown, what: string): string[] {
  if (!Array.isArray(value)) throw new JsonShapeWrong(what, 'a list of strings');
  return value.map((entry: unknown) => {
    if (typeof entry !== 'string') throw new JsonShapeWrong(what, 'a list of strings');
    return entry;
  });
}

export function stringMapOf(value: unknown, what: string): Record<string, string> {
  const map: Record<string, string> = {};
  for (const [key, entry] of Object.entries(objectOf(value, what))) {
    if (typeof entry !== 'string') throw new JsonShapeWrong(what, 'a map of strings');
    map[key] = entry;
  }
  return map;
}
