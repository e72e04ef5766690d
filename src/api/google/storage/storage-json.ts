import type { Bucket } from '../../../buckets/bucket.ts';
import { metageneration, type StoredObject } from '../../../buckets/stored-object.ts';

/** Resources as https://cloud.google.com/storage/docs/json_api/v1 has them; whole numbers of 64 bits are text there. */

/** Where clients expect resources to be, wherever they got them from. */
const linkRoot = 'https://www.googleapis.com/storage/v1';

export function bucketJson({ name, createdAt, location, storageClass }: Bucket) {
  return {
    kind: 'storage#bucket',
    selfLink: `${linkRoot}/b/${name}`,
    id: name,
    name,
    timeCreated: createdAt.toISOString(),
    updated: createdAt.toISOString(),
    metageneration: String(metageneration),
    location,
    locationType: 'multi-region',
    storageClass,
    etag: 'CAE=',
  };
}

/** `baseUrl` is where the object's bytes are. */
export function objectJson(object: StoredObject, baseUrl: string) {
  const { bucket, name, described, upload } = object;
  const generation = String(object.generation);
  const path = `b/${bucket}/o/${encodeURIComponent(name)}`;
  const time = (object.wholeAt ?? upload.createdAt).toISOString();
  return {
    kind: 'storage#object',
    id: `${bucket}/${name}/${generation}`,
    selfLink: `${linkRoot}/${path}`,
    mediaLink: `${baseUrl}/download/storage/v1/${path}?generation=${generation}&alt=media`,
    name,
    bucket,
    generation,
    metageneration: String(metageneration),
    contentType: object.contentType,
    storageClass: 'STANDARD',
    size: String(upload.lengthBytes),
    md5Hash: object.md5,
    crc32c: object.crc32c,
    etag: etagOf(object),
    timeCreated: time,
    updated: time,
    timeStorageClassUpdated: time,
    ...described.texts,
    ...(described.metadata === undefined ? {} : { metadata: described.metadata }),
  };
}

/** Of an object's bytes, which never change under one generation. */
export function etagOf({ generation }: StoredObject): string {
  return Buffer.from(`${generation}/${metageneration}`).toString('base64');
}
