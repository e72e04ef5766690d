/** An object of an object store, as Cloud Storage names it. */
export interface ObjectName {
  readonly bucket: string;
  readonly object: string;
}

const maxBucketLength = 222;

/**
 * Whether a bucket anywhere may be called so: 3 to 63 of a-z, 0-9, `-` and `_`, with a letter or digit at both ends; with
 * dots in it up to 222, of which none between two dots are more than 63; not the like of an IPv4 address. (Cloud Storage,
 * "Bucket name requirements". Names with "goog" or "google" are the public service's own, so they are names.)
 */
export function isAnyBucketName(text: string): boolean {
  if (text.length < 3 || text.length > maxBucketLength || /^\d+\.\d+\.\d+\.\d+$/.test(text)) return false;
  if (!/^[a-z0-9][a-z0-9._-]*[a-z0-9]$/.test(text)) return false;
  return text.split('.').every((part) => part.length > 0 && part.length <= 63);
}
