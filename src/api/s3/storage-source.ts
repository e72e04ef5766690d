import type { Permission } from '../../access/permissions.ts';
import type { Scope } from '../../access/scope.ts';
import type { Subject } from '../../access/subject.ts';
import { invalidField, ServiceError, sourceNotFound } from '../../errors.ts';
import type { ImageSource } from '../../images/create-image.ts';
import type { ObjectName } from '../../lib/object-name.ts';
import { callAddress } from '../call-address.ts';
import { findOperation } from './operations.ts';
import { readCredentials } from './read-credentials.ts';
import { parameterOf, readTarget, type S3Request } from './s3-request.ts';
import { isPublicStorageHost, type Target, targetOf } from './storage-host.ts';
import { type VerifyDeps, verifyRequest } from './verify-request.ts';

/** What finds objects of buckets that are kept here by their addresses, with what it needs already bound. */
export interface StorageSourceFunctions extends VerifyDeps {
  /** Undefined for one whose bucket is elsewhere. Throws NOT_FOUND. */
  findObject(object: ObjectName): Promise<{ readonly uri: string; readonly folderId: string } | undefined>;
  /** Whether a bucket of that name is kept here, in the cloud that the folder is in. */
  isBucketInCloudOf(bucket: string, folderId: string): Promise<boolean>;
  authorize(subject: Subject, permission: Permission, scope: Scope): Promise<void>;
}

/** Who wants to make an image of an address, and where he came to. */
export interface SourceCall {
  readonly subject: Subject;
  /** Of the image. */
  readonly folderId: string;
  /** HOST:PORT; undefined when the client said nothing usable. */
  readonly address: string | undefined;
}

type UriSource = ImageSource & { readonly kind: 'uri' };

/** Longer than any address of an object: a name of 1024 bytes, and a signature. */
const maxLength = 8 * 1024;

/**
 * What an address is to an import. Addresses of S3 at this service are the objects of buckets that are kept here, when there
 * is such a bucket: nothing is asked over the network then. So are addresses of Object Storage, but only where the bucket is
 * the cloud's own, or the address is a link that a key known here signed: anybody can give a bucket the name of a public one,
 * and must not put his bytes in the place of that one's. Who may read such an object is who may make images in its bucket's
 * folder: the caller, or, where the address is a link, who signed that. Every other address is itself.
 *
 * @throws ServiceError FAILED_PRECONDITION for an object that is not there or may not be read, INVALID_ARGUMENT for a link
 *   that is not good
 */
export async function findStorageSource(
  functions: StorageSourceFunctions,
  uri: string,
  call: SourceCall,
): Promise<UriSource> {
  const asked = requestOf(uri, call);
  const target = asked === undefined ? undefined : targetOf(asked.request, () => false);
  const name = nameOf(target);
  if (asked === undefined || target === undefined || name === undefined) return { kind: 'uri', uri };
  const { request, isHere } = asked;
  if (!isHere && !(await isMeant(functions, { request, bucket: name.bucket }, call))) return { kind: 'uri', uri };
  const found = await functions.findObject(name).catch((error: unknown) => {
    if (isHidden(error)) return 'not there' as const;
    throw error;
  });
  if (found === undefined) return { kind: 'uri', uri };
  // Before anything is told of what is there.
  const subject = await readerOf(functions, { request, target }, call);
  if (found === 'not there') throw notFoundIn(name);
  await functions.authorize(subject, 'compute.images.create', { folderId: found.folderId }).catch((error: unknown) => {
    throw isHidden(error) ? notFoundIn(name) : error;
  });
  return { kind: 'uri', uri: found.uri, objectsFolderId: found.folderId };
}

/** What is not there and what may not be read are the same to who asks. */
function isHidden(error: unknown): boolean {
  return error instanceof ServiceError && (error.code === 'NOT_FOUND' || error.code === 'PERMISSION_DENIED');
}

function notFoundIn({ bucket, object }: ObjectName): ServiceError {
  return sourceNotFound('Object', `${bucket}/${object}`);
}

/** The request that whoever opens the address would make; undefined where the address is none of S3 here. */
function requestOf(
  uri: string,
  { address }: SourceCall,
): { readonly request: S3Request; readonly isHere: boolean } | undefined {
  const url = uri.length > maxLength ? null : URL.parse(uri);
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined;
  const isHere = address !== undefined && callAddress(url.host) === address;
  if (!isHere && !isPublicStorageHost(url.hostname)) return undefined;
  const target = readTarget(url.pathname + url.search);
  const request = { verb: 'GET', host: url.host, ...target, headers: new Map([['host', [url.host]]]) };
  return { request, isHere };
}

/** Whether an address of the public service means a bucket that is kept here. */
async function isMeant(
  functions: StorageSourceFunctions,
  { request, bucket }: { readonly request: S3Request; readonly bucket: string },
  { folderId }: SourceCall,
): Promise<boolean> {
  if (await functions.isBucketInCloudOf(bucket, folderId)) return true;
  return isLink(request) && (await isSignedByKnown(functions, request));
}

/** Whether the link says that a key of this service signed it, be that so or not. */
async function isSignedByKnown({ findAccessKey }: VerifyDeps, request: S3Request): Promise<boolean> {
  let keyId: string;
  try {
    ({ keyId } = readCredentials(request));
  } catch (error) {
    if (error instanceof ServiceError) return false;
    throw error;
  }
  return (await findAccessKey(keyId)) !== undefined;
}

function isLink(request: S3Request): boolean {
  return parameterOf(request, 'X-Amz-Signature') !== undefined;
}

function nameOf(target: Target | undefined): ObjectName | undefined {
  if (target?.bucket === undefined || target.key === undefined) return undefined;
  return { bucket: target.bucket, object: target.key };
}

/** Who reads the object: who signed the link, if the address is one. */
async function readerOf(
  functions: VerifyDeps,
  { request, target }: { readonly request: S3Request; readonly target: Target },
  { subject }: SourceCall,
): Promise<Subject> {
  if (!isLink(request)) return subject;
  const operation = findOperation(request.verb, target, request.query);
  if (operation === undefined || operation.handler !== undefined) {
    throw invalidField('uri', 'the link is not good: it was signed for something else than to read the object');
  }
  try {
    return (await verifyRequest(functions, request)).subject;
  } catch (error) {
    throw error instanceof ServiceError ? invalidField('uri', `the link is not good: ${error.message}`) : error;
  }
}
