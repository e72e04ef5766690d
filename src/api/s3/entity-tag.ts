import type { StoredObject } from '../../buckets/stored-object.ts';
import { s3Error } from './s3-error.ts';

/** An MD5 as S3 writes it: in hexadecimal digits and quotes. */
export function tagOf(md5: string): string {
  return `"${Buffer.from(md5, 'base64').toString('hex')}"`;
}

/** Of an object's bytes: their MD5, also of one that came in parts. */
export function etagOf({ md5 }: Pick<StoredObject, 'md5'>): string {
  return tagOf(md5);
}

/** The MD5 that an entity tag is of, in base64; with its quotes, without, or with those of XML. Throws InvalidPart. */
export function md5OfTag(tag: string): string {
  const [digits] = /^[0-9a-f]{32}$/i.exec(tag.trim().replace(/^"(.*)"$/, '$1')) ?? [];
  if (digits === undefined) throw s3Error('InvalidPart', 'The entity tag of a part is none of this service.');
  return Buffer.from(digits, 'hex').toString('base64');
}
