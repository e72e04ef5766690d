/**
 * A folder's place for named files: what clients of an object store put there can be made an image of. A bucket's name is
 * the installation's only one of that name; an object's its bucket's.
 */
export interface Bucket {
  readonly name: string;
  readonly folderId: string;
  readonly createdAt: Date;
  /** As its maker said it; nothing follows from it here. */
  readonly location: string;
  /** Likewise. */
  readonly storageClass: string;
}

const maxNameLength = 222;
const part = /^[a-z0-9_-]{1,63}$/;
const dottedNumbers = /^\d{1,3}(\.\d{1,3}){3}$/;

/**
 * Whether a bucket can have this name: 3 to 63 letters, digits, `-` and `_`, or up to 222 with dots between such parts; a
 * letter or digit at both ends; no address, and nothing that begins with `goog` or contains `google`:
 * https://cloud.google.com/storage/docs/buckets#naming
 */
export function isBucketName(text: string): boolean {
  return (
    text.length >= 3 &&
    text.length <= maxNameLength &&
    text.split('.').every((one) => part.test(one)) &&
    /^[a-z0-9].*[a-z0-9]$/.test(text) &&
    !dottedNumbers.test(text) &&
    !text.startsWith('goog') &&
    !text.includes('google')
  );
}
