import { isObjectName } from '../../../buckets/object-name.ts';
import { isAnyBucketName, type ObjectName } from '../../../lib/object-name.ts';
import { invalidValue } from '../compute-errors.ts';

/*
 * What clients write in `rawDisk.source` for the object O of the bucket B:
 *
 *   https://storage.googleapis.com/B/O                      documented; also by the hosts commondatastorage.googleapis.com
 *                                                           and storage.cloud.google.com, and with http
 *   https://storage.googleapis.com/storage/v1/b/B/o/O       gcloud: O as it is, slashes, blanks and all
 *   https://www.googleapis.com/storage/v1/b/B/o/O           Packer, from the object's selfLink: O percent-encoded
 *   http://HOST:PORT/storage/v1/b/B/o/O                     gcloud, when it was told of another object store
 *   https://B.storage.googleapis.com/O                      Terraform's users
 *
 * Nothing is ever asked of the host that stands there: who keeps the bucket is for the service to say. An address has no
 * query here, so `?` and `#` belong to the object's name, as gcloud means them. gs://B/O, which clients rewrite before they
 * send it, is refused, as it is by the public service.
 */

/** Longer than any such address: 1024 bytes of an object's name take up to 3072 letters. */
const maxLength = 4096;

const objectHosts: readonly string[] = [
  'storage.googleapis.com',
  'commondatastorage.googleapis.com',
  'storage.cloud.google.com',
];

const sourceField = 'resource.rawDisk.source';
const notAnObject = 'The provided source location was not a valid Google Cloud Storage object reference.';

/** The object that an address is of; undefined for anything else. */
export function parseObjectUrl(text: string): ObjectName | undefined {
  if (text.length > maxLength) return undefined;
  const [, authority = '', path = ''] = /^https?:\/\/([^/]*)\/(.*)$/is.exec(text) ?? [];
  const host = /^([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i.exec(authority)?.[1]?.toLowerCase();
  if (host === undefined) return undefined;
  const ofBucket = objectHosts.find((known) => host.endsWith(`.${known}`));
  if (ofBucket !== undefined) return objectOf(host.slice(0, -ofBucket.length - 1), path);
  const [, bucket, object] =
    /^storage\/v\d[a-z0-9]*\/b\/([^/]*)\/o\/(.*)$/is.exec(path) ??
    (objectHosts.includes(host) ? /^([^/]*)\/(.*)$/s.exec(path) : undefined) ??
    [];
  return bucket === undefined || object === undefined ? undefined : objectOf(bucket, object);
}

/** @param written the object's name, percent-encoded or not */
function objectOf(bucket: string, written: string): ObjectName | undefined {
  const object = decoded(written);
  return isAnyBucketName(bucket) && isObjectName(object) ? { bucket, object } : undefined;
}

/** What is not well encoded was not encoded at all. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * The object that a disk is to be imported from. Its name says that it is a tarball; whether it is one shows later.
 *
 * @throws ServiceError with the sentences of the public service
 */
export function readRawDiskSource(source: string): ObjectName {
  const object = parseObjectUrl(source);
  if (object === undefined) throw invalidValue(sourceField, source, notAnObject);
  if (!object.object.endsWith('.tar.gz'))
    throw invalidValue(sourceField, source, 'The provided source is not a supported file.');
  return object;
}

/**
 * The SHA-1 that the tarball is to have, or '' when it is not said.
 *
 * @throws ServiceError
 */
export function readSha1Checksum(sha1Checksum: string): string {
  if (sha1Checksum === '' || /^[a-f0-9]{40}$/.test(sha1Checksum)) return sha1Checksum;
  throw invalidValue('resource.rawDisk.sha1Checksum', sha1Checksum, "Must be a match of regex '[a-f0-9]{40}'");
}

/**
 * Where an object of a bucket that is not kept here is read: below the address of the object store that the service was
 * told of, as any source is, and under the same guard.
 *
 * @throws ServiceError for a name with `.` or `..` between its slashes: HTTP clients take such an address for another one,
 *   which may be outside the bucket, however it is encoded
 */
export function objectUri({ objectStore }: { readonly objectStore: string }, { bucket, object }: ObjectName): string {
  const parts = object.split('/');
  if (parts.includes('.') || parts.includes('..')) throw invalidValue(sourceField, `${bucket}/${object}`, notAnObject);
  return `${objectStore}/${bucket}/${parts.map(encodeURIComponent).join('/')}`;
}
