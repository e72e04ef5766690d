import { randomBytes } from 'node:crypto';

/**
 * Ids of resources: 20 characters of a-z and 0-9, the first three of them a prefix that tells people the kind. The
 * prefixes are those the public cloud uses, because clients show them and some people read them: `fd8` image,
 * `b1g` folder and cloud, `aje` service account and key; `upl` for an upload and `att` for an attachment are ours. An operation has the prefix of its
 * resource.
 */

const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';
const prefixLength = 3;
const randomLength = 17;
export const idLength = prefixLength + randomLength;

/** 88 random bits: nobody guesses one, and a collision is not worth a check. */
export function newId(prefix: string): string {
  if (!/^[a-z][a-z0-9]{2}$/.test(prefix)) throw new Error(`not an id prefix: ${prefix}`);
  let id = prefix;
  while (id.length < idLength) {
    for (const byte of randomBytes(idLength)) {
      // Bytes past the last whole multiple of 36 would make the first letters likelier.
      if (byte < 252 && id.length < idLength) id += alphabet.charAt(byte % alphabet.length);
    }
  }
  return id;
}

/** Whether `text` has the form of an id. Ids given by people (a folder `standard-images`) need not have it. */
export function isId(text: string): boolean {
  return /^[a-z][a-z0-9]{19}$/.test(text);
}

/** The prefix that an operation on this resource shares; `fd8` when the resource's id is not of our form. */
export function idPrefix(resourceId: string): string {
  return isId(resourceId) ? resourceId.slice(0, prefixLength) : 'fd8';
}

/** The name of a new blob: 24 characters, so that no two processes on one store ever choose the same. */
export function newBlobName(): string {
  return randomBytes(12).toString('hex');
}
