import type { FileDigest } from './file-digest.ts';
import type { UpstreamImage } from './upstream-image.ts';

/**
 * How the images that a sync has made are known again: by labels, which whoever looks at an image sees, and which stay
 * with it in the service. Take the first one away, and the image is yours: no sync touches it any more.
 *
 *     obraz-sync           the family that it was made for
 *     obraz-sync-digest    algorithm and first digits of the file's digest: which version it is
 *     obraz-sync-version   what its publisher calls that
 */
export const syncLabels = {
  family: 'obraz-sync',
  digest: 'obraz-sync-digest',
  version: 'obraz-sync-version',
} as const;

/** Values of labels have 63 characters at most. 160 bits of a digest are as good as all of them to tell files apart. */
const digestDigits = 40;

/** The value of the digest's label: of two files that are not the same it is not the same. */
export function digestLabel({ algorithm, hex }: FileDigest): string {
  return `${algorithm}-${hex.slice(0, digestDigits)}`;
}

/** The labels of a new image of the family. */
export function labelsOf(family: string, { digest, version }: UpstreamImage): Record<string, string> {
  return {
    [syncLabels.family]: family,
    [syncLabels.digest]: digestLabel(digest),
    ...(version === '' ? {} : { [syncLabels.version]: labelValue(version) }),
  };
}

/**
 * The name of a new image of the family: the same for the same file, so that two syncs at once make it once, and within
 * the API's rule: at most 63 of a-z, 0-9 and `-`, from a letter to a letter or digit.
 */
export function nameOf(family: string, { digest, version }: UpstreamImage): string {
  const readable = version.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  const middle = readable.slice(0, 24).replaceAll(/^-|-$/g, '');
  const end = [middle, digest.hex.slice(0, 8)].filter((part) => part !== '').join('-');
  return `${family.slice(0, 62 - end.length)}-${end}`;
}

/** A publisher's word as a label's value: what may not be in one becomes `-`. */
function labelValue(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^-_./@0-9a-z]+/g, '-')
    .slice(0, 63);
}
