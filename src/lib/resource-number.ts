import { hash } from 'node:crypto';

/**
 * A number for what has an id, for clients that know things by numbers: the first 63 bits of the id's SHA-256, in decimal
 * digits. The same id has the same number everywhere and always. It fits a signed 64-bit integer and is never "0"; that
 * two of a million ids share one is less likely than one in ten million, and a unique index refuses it.
 */
export function resourceNumber(id: string): string {
  const number = hash('sha256', id, 'buffer').readBigUInt64BE() >> 1n;
  return String(number === 0n ? 1n : number);
}

/** Whether the text is a number as resourceNumber makes them; no name of a resource and no id is. */
export function isResourceNumber(text: string): boolean {
  return /^[1-9][0-9]{0,18}$/.test(text);
}
