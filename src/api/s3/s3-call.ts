import type { FinishParts } from '../../buckets/finish-parts.ts';
import type { PutPart } from '../../buckets/put-part.ts';
import type { StoredObject } from '../../buckets/stored-object.ts';
import type { BucketFunctions } from '../bucket-functions.ts';
import type { CallGate } from '../call-gate.ts';
import type { StreamedCallDeps } from '../rest/streamed-call.ts';
import type { WholeCall, WholeCallDeps, WholeReply } from '../rest/whole-call.ts';
import { s3Error } from './s3-error.ts';
import type { S3Request } from './s3-request.ts';
import type { Target } from './storage-host.ts';
import type { Signer, VerifyDeps } from './verify-request.ts';

/** What this door calls, with what it needs already bound. */
export interface S3Functions extends BucketFunctions, VerifyDeps {
  putPart(session: StoredObject, part: PutPart): Promise<string>;
  finishParts(session: StoredObject, request: FinishParts): Promise<StoredObject>;
  /** Whether clients may call this server so: a name, or an address without brackets. */
  isOurHost(host: string): boolean;
}

export interface S3Deps extends WholeCallDeps, Omit<StreamedCallDeps, 'authenticate'> {
  /** Bounds the calls that are worked on, and the bodies that come in. */
  readonly calls: CallGate;
  readonly bodies: CallGate;
  readonly storage: S3Functions;
}

/** A request to this door, by the account whose key signed it. */
export interface S3Call extends WholeCall {
  readonly request: S3Request;
  readonly target: Target;
  readonly signer: Signer;
}

export type S3Handler = (deps: S3Deps, call: S3Call) => Promise<WholeReply>;

export interface ObjectPath {
  readonly bucket: string;
  readonly key: string;
}

/** For operations on a bucket. */
export function bucketOf({ target: { bucket } }: Pick<S3Call, 'target'>): string {
  if (bucket === undefined) throw s3Error('InvalidBucketName', 'The request names no bucket.');
  return bucket;
}

/** For operations on an object. */
export function objectOf(call: Pick<S3Call, 'target'>): ObjectPath {
  const { key } = call.target;
  if (key === undefined) throw s3Error('InvalidRequest', 'The request names no object.');
  return { bucket: bucketOf(call), key };
}
