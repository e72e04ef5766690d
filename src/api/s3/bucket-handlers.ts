import type { ListObjects } from '../../buckets/list-objects.ts';
import type { StoredObject } from '../../buckets/stored-object.ts';
import { authorizedBucket } from '../authorized-bucket.ts';
import { etagOf } from './entity-tag.ts';
import { incomingBody, readSmallBody } from './incoming-body.ts';
import { readRecords } from './read-xml.ts';
import { bucketOf, type S3Handler } from './s3-call.ts';
import { s3Error } from './s3-error.ts';
import { headerOf, parameterOf } from './s3-request.ts';
import { escapeUri } from './signature-v4.ts';
import { type Child, element, s3Namespace, xml } from './xml.ts';

/** What clients of the public service sign for. */
const region = 'ru-central1';
const maxKeys = 1000;
const maxBodyBytes = 2 * 1024 * 1024;

/** Those of the folder that the key's account is in. */
export const listBuckets: S3Handler = async ({ storage }, { authorize, signer: { folderId } }) => {
  await authorize({ folderId });
  const { items } = await storage.listBuckets({ folderId, prefix: '', maxResults: 0, pageToken: '' });
  const buckets = items.map(({ name, createdAt }) =>
    element('Bucket', ['Name', name], ['CreationDate', createdAt.toISOString()]),
  );
  const owner = element('Owner', ['ID', folderId], ['DisplayName', folderId]);
  return document(element('ListAllMyBucketsResult', owner, element('Buckets', ...buckets)));
};

/** In the folder that the key's account is in. */
export const createBucket: S3Handler = async ({ storage }, call) => {
  const { authorize, request, signer, body, signal } = call;
  const { folderId } = signer;
  const name = bucketOf(call);
  await authorize({ folderId });
  // The region that it may name says nothing here.
  if (headerOf(request, 'content-length') !== undefined) {
    await readSmallBody(incomingBody(request, signer, body), { mostBytes: maxBodyBytes, signal });
  }
  await storage.createBucket({ name, folderId, location: region.toUpperCase(), storageClass: 'STANDARD' });
  return { status: 200, headers: { location: `/${name}` }, made: name };
};

export const headBucket: S3Handler = async (deps, call) => {
  await authorizedBucket(deps, call, bucketOf(call));
  return { status: 200, headers: { 'x-amz-bucket-region': region } };
};

export const getBucketLocation: S3Handler = async (deps, call) => {
  await authorizedBucket(deps, call, bucketOf(call));
  return document(`<LocationConstraint>${region}</LocationConstraint>`);
};

export const deleteBucket: S3Handler = async (deps, call) => {
  const name = bucketOf(call);
  await authorizedBucket(deps, call, name);
  await deps.storage.deleteBucket({ name });
  return { status: 204 };
};

/** Both lists: the first version goes on behind a name, the second by a token. */
export const listObjects: S3Handler = async (deps, call) => {
  const bucket = bucketOf(call);
  await authorizedBucket(deps, call, bucket);
  const parameter = (name: string) => parameterOf(call.request, name) ?? '';
  const isSecond = parameter('list-type') === '2';
  const wanted = readMaxKeys(parameter('max-keys'));
  const after = isSecond ? parameter('start-after') : parameter('marker');
  const folders = { prefix: parameter('prefix'), delimiter: parameter('delimiter') };
  const query: ListObjects = {
    bucket,
    ...folders,
    // The least name behind it.
    startOffset: after === '' ? '' : `${after}\0`,
    endOffset: '',
    maxResults: wanted,
    pageToken: isSecond ? parameter('continuation-token') : tokenOfFolder(after, folders),
  };
  const none = { objects: [], prefixes: [], nextPageToken: '' };
  const { objects, prefixes, nextPageToken } = wanted === 0 ? none : await deps.storage.listObjects(query);
  const encode = parameter('encoding-type') === 'url' ? (name: string) => escapeUri(name).replaceAll('%2F', '/') : same;
  const contents = objects.map((object) => objectElement(object, encode));
  const common = prefixes.map((prefix) => element('CommonPrefixes', ['Prefix', encode(prefix)]));
  const asked: Child[] = [
    ['Name', bucket],
    ['Prefix', encode(query.prefix)],
    ['MaxKeys', wanted],
    ['IsTruncated', nextPageToken !== ''],
    ...(query.delimiter === '' ? [] : [['Delimiter', encode(query.delimiter)] as const]),
    ...(parameter('encoding-type') === '' ? [] : [['EncodingType', 'url'] as const]),
  ];
  const place: Child[] = isSecond
    ? [
        ['KeyCount', contents.length + common.length],
        ...(query.pageToken === '' ? [] : [['ContinuationToken', query.pageToken] as const]),
        ...(nextPageToken === '' ? [] : [['NextContinuationToken', nextPageToken] as const]),
      ]
    : [
        ['Marker', encode(after)],
        ...(nextPageToken === '' ? [] : [['NextMarker', encode(nameInToken(nextPageToken))] as const]),
      ];
  return document(element('ListBucketResult', ...asked, ...place, ...contents, ...common));
};

/** Up to 1000 objects by one request; those that are not there are as good as deleted. */
export const deleteObjects: S3Handler = async (deps, call) => {
  const bucket = bucketOf(call);
  await authorizedBucket(deps, call, bucket);
  const { request, signer, body, signal } = call;
  const sent = await readSmallBody(incomingBody(request, signer, body), { mostBytes: maxBodyBytes, signal });
  const records = readRecords(sent, { root: 'Delete', record: 'Object' });
  if (records.length > maxKeys) throw s3Error('MalformedXML', `At most ${maxKeys} objects are deleted at a time.`);
  const keys = records.map(keyToDelete);
  for (const key of keys) await deleteIfThere(deps.storage, { bucket, name: key });
  const deleted = keys.map((key) => element('Deleted', ['Key', key]));
  return { ...document(element('DeleteResult', ...deleted)), made: bucket };
};

/** Throws for one that is to be deleted on terms: nothing is deleted then. */
function keyToDelete(record: ReadonlyMap<string, string>): string {
  const term = ['ETag', 'LastModifiedTime', 'Size'].find((name) => record.has(name));
  if (term !== undefined) throw s3Error('NotImplemented', `${term} of an object to delete is not kept to.`);
  if ((record.get('VersionId') ?? 'null') !== 'null') throw s3Error('NotImplemented', 'Objects have no versions here.');
  const key = record.get('Key') ?? '';
  if (key === '') throw s3Error('MalformedXML', 'An object to delete has no Key.');
  return key;
}

export async function deleteIfThere(
  storage: { deleteObject(request: { bucket: string; name: string }): Promise<void> },
  object: { readonly bucket: string; readonly name: string },
): Promise<void> {
  await storage.deleteObject(object).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'NOT_FOUND')) throw error;
  });
}

/** A reply of XML. */
export function document(root: string): { readonly status: 200; readonly body: string } {
  return { status: 200, body: xml(root, s3Namespace) };
}

function objectElement(object: StoredObject, encode: (name: string) => string): string {
  return element(
    'Contents',
    ['Key', encode(object.name)],
    ['LastModified', (object.wholeAt ?? object.upload.createdAt).toISOString()],
    ['ETag', etagOf(object)],
    ['Size', object.upload.lengthBytes],
    ['StorageClass', 'STANDARD'],
  );
}

function readMaxKeys(text: string): number {
  if (text === '') return maxKeys;
  if (!/^\d{1,9}$/.test(text))
    throw s3Error('InvalidArgument', 'Provided max-keys not an integer or within integer range');
  return Math.min(Number(text), maxKeys);
}

/** See cutNames of buckets/name-page.ts: the token is the last name of the page. */
function nameInToken(token: string): string {
  return Buffer.from(token, 'base64url').toString('utf8');
}

/**
 * The token of a page that ended on a folder: a marker that stands for one is behind everything in it. '' for any other
 * marker.
 */
function tokenOfFolder(marker: string, { prefix, delimiter }: Pick<ListObjects, 'prefix' | 'delimiter'>): string {
  if (delimiter === '' || !marker.startsWith(prefix)) return '';
  const cut = marker.indexOf(delimiter, prefix.length);
  return cut >= 0 && cut + delimiter.length === marker.length ? Buffer.from(marker).toString('base64url') : '';
}

function same(name: string): string {
  return name;
}
