import {
  createBucket,
  deleteBucket,
  deleteObjects,
  getBucketLocation,
  headBucket,
  listBuckets,
  listObjects,
} from './bucket-handlers.ts';
import { abortUpload, beginUpload, finishUpload, putPart } from './multipart-handlers.ts';
import { deleteObject, putObject } from './object-handlers.ts';
import type { S3Handler } from './s3-call.ts';
import type { QueryParameter } from './s3-request.ts';
import type { Target } from './storage-host.ts';

/** What can be asked for. Anything else is refused by the name that S3 has for it: NotImplemented. */
export interface S3Operation {
  /** Its row in access/method-rules.ts: the verb, and a path that says what it is about. */
  readonly method: string;
  readonly verb: string;
  readonly of: 'service' | 'bucket' | 'object';
  /** Parameters of the query that make it this operation. */
  readonly needs: readonly string[];
  /** Those that may be there, too. */
  readonly takes: readonly string[];
  /** Whether it may take long: its body may be a file, or is waited for, or files are copied. */
  readonly isLong: boolean;
  /** Undefined for what gives bytes out. */
  readonly handler: S3Handler | undefined;
}

const paths = { service: '/s3', bucket: '/s3/{bucket}', object: '/s3/{bucket}/{object}' } as const;

function operation(
  verb: string,
  of: S3Operation['of'],
  handler: S3Handler | undefined,
  { needs = [], takes = [], isLong = false }: Partial<Pick<S3Operation, 'needs' | 'takes' | 'isLong'>> = {},
): S3Operation {
  const query = needs.length === 0 ? '' : `?${needs.join('&')}`;
  return { method: `${verb} ${paths[of]}${query}`, verb, of, needs, takes, isLong, handler };
}

const listed = ['list-type', 'prefix', 'delimiter', 'max-keys', 'encoding-type', 'fetch-owner'];

export const operations: readonly S3Operation[] = [
  operation('GET', 'service', listBuckets),
  operation('PUT', 'bucket', createBucket, { isLong: true }),
  operation('HEAD', 'bucket', headBucket),
  operation('DELETE', 'bucket', deleteBucket),
  operation('GET', 'bucket', listObjects, {
    takes: [...listed, 'marker', 'start-after', 'continuation-token'],
  }),
  operation('GET', 'bucket', getBucketLocation, { needs: ['location'] }),
  operation('POST', 'bucket', deleteObjects, { needs: ['delete'], isLong: true }),
  operation('PUT', 'object', putObject, { isLong: true }),
  operation('GET', 'object', undefined),
  operation('HEAD', 'object', undefined),
  operation('DELETE', 'object', deleteObject),
  operation('POST', 'object', beginUpload, { needs: ['uploads'] }),
  operation('PUT', 'object', putPart, { needs: ['partNumber', 'uploadId'], isLong: true }),
  operation('POST', 'object', finishUpload, { needs: ['uploadId'], isLong: true }),
  operation('DELETE', 'object', abortUpload, { needs: ['uploadId'] }),
];

/** The operation that a request asks for; undefined for one that is not known here. */
export function findOperation(
  verb: string,
  { bucket, key }: Target,
  query: readonly QueryParameter[],
): S3Operation | undefined {
  const of = bucket === undefined ? 'service' : key === undefined ? 'bucket' : 'object';
  // Those are of the signature, or say again what the request is.
  const names = query.map(({ name }) => name).filter((name) => !/^x-(amz-|id$)/i.test(name));
  return operations.find(
    (each) =>
      each.verb === verb &&
      each.of === of &&
      each.needs.every((name) => names.includes(name)) &&
      names.every((name) => each.needs.includes(name) || each.takes.includes(name)),
  );
}
