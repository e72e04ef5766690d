/**
 * What every client does in its story, by the name it prints after each step (`did: NAME`). A story is a program in the
 * client's own language that is written as the client's users write; it fails at the first thing that is not as expected.
 */
export const steps = {
  discovery: 'asks for the endpoints, and uses what it was told',
  'iam-token': 'an IAM token, as it stands',
  'service-account-key': "a service account's key, exchanged for a token",
  'create-from-uri': "an image of a file at an address, waited for in the client's own way",
  get: 'the image as the operation returned it',
  update: 'name, description, labels and minimal size by a mask',
  list: 'by name, and page after page',
  'latest-by-family': 'the newest of a family',
  'list-operations': 'what was done to an image',
  'image-from-image': 'a copy',
  disk: 'made of an image, with a zone and a type that were listed',
  snapshot: 'of a disk',
  'image-from-disk': 'an image of a disk',
  'image-from-snapshot': 'an image of a snapshot',
  'access-bindings': 'set, listed and changed',
  cancel: 'an import that is under way; the waiting ends with the operation that says so',
  'failed-import': 'the reason, from the waiting',
  delete: 'waited for; the image is not found afterwards',
} as const;

export type Step = keyof typeof steps;

/** In the order of the table above. */
export const stepNames = Object.keys(steps).filter((name): name is Step => name in steps);
