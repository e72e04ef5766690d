import type { Image as ImageMessage } from '../../../gen/google/cloud/compute/v1/image_pb.ts';
import type { ObjectName } from '../../../lib/object-name.ts';
import { invalidUsage, invalidValue, malformedUrl } from '../compute-errors.ts';
import { parseReference, type ResourceReference } from '../naming/links.ts';
import { readRawDiskSource, readSha1Checksum } from './raw-disk-source.ts';

/** What an image is asked to be made from. */
export type WantedSource =
  | { readonly kind: 'archive'; readonly url: string; readonly object: ObjectName; readonly sha1: string }
  | { readonly kind: 'resource'; readonly field: string; readonly url: string; readonly reference: ResourceReference };

/** The one source that a request names. Throws in the public service's words when it names none, several or nonsense. */
export function wantedSource(image: ImageMessage, project: string): WantedSource {
  const { rawDisk, sourceDisk = '', sourceImage = '', sourceSnapshot = '' } = image;
  const named = [
    { field: 'resource.sourceDisk', url: sourceDisk, kinds: ['disk'] },
    { field: 'resource.sourceImage', url: sourceImage, kinds: ['image', 'family'] },
    { field: 'resource.sourceSnapshot', url: sourceSnapshot, kinds: ['snapshot'] },
  ].filter(({ url }) => url !== '');
  const archive = rawDisk?.source ?? '';
  const [only] = named;
  if (named.length + (archive === '' ? 0 : 1) !== 1) {
    throw invalidUsage('Must specify exactly one source for an image.');
  }
  if (only === undefined) {
    const { containerType = '', sha1Checksum = '' } = rawDisk ?? {};
    if (containerType !== '' && containerType !== 'TAR') {
      throw invalidValue('resource.rawDisk.containerType', containerType, 'Must be TAR.');
    }
    return { kind: 'archive', url: archive, object: readRawDiskSource(archive), sha1: readSha1Checksum(sha1Checksum) };
  }
  const { field, url, kinds } = only;
  const reference = parseReference(url, project);
  if (reference === undefined || !kinds.includes(reference.kind)) throw malformedUrl(field, url);
  return { kind: 'resource', field, url, reference };
}
