/**
 * What every client of the Compute Engine API does in its story, by the name it prints after each step (`did: NAME`); like
 * those of ../steps.ts, a story is written as the client's users write.
 */
export const googleSteps = {
  'access-token': 'a token of Obraz, as it stands',
  'key-file': "a service account's key file, with which the client signs for itself",
  insert: "an image of a tarball with disk.raw, waited for in the client's own way",
  get: 'by name and by number',
  list: 'by filters of both languages, in an order, and page after page',
  family: 'the newest of a family, and its view from a zone',
  patch: 'family and description',
  'set-labels': 'with the fingerprint that was read; an old one is refused',
  deprecate: 'replaced by another image, which its family passes over; and active again',
  'iam-policy': 'read, changed and read again; what one may',
  'request-id': 'the same request again is the same operation',
  'image-from-image': 'a copy',
  disk: 'made of an image, in a zone that was found; resized',
  snapshot: 'of a disk',
  'image-from-disk': 'an image of a disk',
  'image-from-snapshot': 'an image of a snapshot',
  operations: 'listed, and found by name and by number',
  'failed-insert': 'the reason, from the operation; there is no such image then',
  delete: 'waited for; the image is not found afterwards',
} as const;

export type GoogleStep = keyof typeof googleSteps;

/** In the order of the table above. */
export const googleStepNames = Object.keys(googleSteps).filter((name): name is GoogleStep => name in googleSteps);
