import type { ChosenPart } from '../../buckets/finish-parts.ts';
import { authorizedBucket } from '../authorized-bucket.ts';
import { document } from './bucket-handlers.ts';
import { etagOf, md5OfTag, tagOf } from './entity-tag.ts';
import { incomingBody, readSmallBody } from './incoming-body.ts';
import { readContentMd5, readObjectHeaders, readTerms } from './object-headers.ts';
import { readRecords } from './read-xml.ts';
import { objectOf, type S3Call, type S3Deps, type S3Handler } from './s3-call.ts';
import { s3Error } from './s3-error.ts';
import { headerOf, parameterOf, type S3Request } from './s3-request.ts';
import { element } from './xml.ts';

/** 10,000 parts, each with its tag and a checksum. */
const maxListBytes = 4 * 1024 * 1024;

export const beginUpload: S3Handler = async (deps, call) => {
  const { bucket, key } = objectOf(call);
  await authorizedBucket(deps, call, bucket);
  const object = { bucket, name: key, ...readObjectHeaders(call.request), lengthBytes: 0 };
  const uploadId = await deps.storage.beginObject(object);
  const told = element('InitiateMultipartUploadResult', ['Bucket', bucket], ['Key', key], ['UploadId', uploadId]);
  return { ...document(told), made: `${bucket}/${key}` };
};

export const putPart: S3Handler = async (deps, call) => {
  const session = await sessionOf(deps, call);
  const { request, signer, body: raw, signal } = call;
  const md5Told = readContentMd5(request);
  if (request.headers.has('x-amz-copy-source')) throw s3Error('NotImplemented', 'Objects are not copied here.');
  const number = Number(parameterOf(request, 'partNumber'));
  const incoming = incomingBody(request, signer, raw);
  const { lengthBytes } = incoming;
  const check = () => incoming.check();
  const md5 = await incoming.use((body) =>
    deps.storage.putPart(session, { number, lengthBytes, md5: md5Told, body, signal, check }),
  );
  return { status: 200, headers: { etag: tagOf(md5) }, bytes: lengthBytes, made: '' };
};

export const finishUpload: S3Handler = async (deps, call) => {
  const { bucket, key } = objectOf(call);
  const session = await sessionOf(deps, call);
  const { request, signer, body, signal } = call;
  const told = readWhole(request);
  const list = await readSmallBody(incomingBody(told.ofList, signer, body), { mostBytes: maxListBytes, signal });
  const parts = readRecords(list, { root: 'CompleteMultipartUpload', record: 'Part' }).map(toPart);
  const object = await deps.storage.finishParts(session, {
    parts,
    terms: told.terms,
    lengthBytes: told.lengthBytes,
    signal,
  });
  const result = element(
    'CompleteMultipartUploadResult',
    ['Location', `/${bucket}/${key}`],
    ['Bucket', bucket],
    ['Key', key],
    ['ETag', etagOf(object)],
  );
  return { ...document(result), made: `${bucket}/${key}` };
};

export const abortUpload: S3Handler = async (deps, call) => {
  const { bucket, key } = objectOf(call);
  const { upload, generation } = await sessionOf(deps, call);
  if (generation > 0) throw s3Error('NoSuchUpload', 'The specified upload was completed already.');
  await deps.storage.dropObject({ uploadId: upload.id });
  return { status: 204, made: `${bucket}/${key}` };
};

/** The object that the upload's id and the path name together. */
async function sessionOf(deps: S3Deps, call: S3Call) {
  const { bucket, key } = objectOf(call);
  await authorizedBucket(deps, call, bucket);
  const uploadId = parameterOf(call.request, 'uploadId') ?? '';
  const session = await deps.storage.getObjectSession({ bucket, uploadId });
  if (session.name === key) return session;
  throw s3Error('NoSuchUpload', 'The specified upload is of another object.');
}

const checksumPrefix = 'x-amz-checksum-';

/**
 * What a request that completes an object says of that. Its checksums are the object's, not those of its own body: `ofList` is
 * the request without them. Throws NotImplemented for a checksum that objects do not have here.
 */
function readWhole(request: S3Request) {
  const headers = new Map([...request.headers].filter(([name]) => !name.startsWith(checksumPrefix)));
  const length = headerOf(request, 'x-amz-mp-object-size');
  if (length !== undefined && !/^\d{1,15}$/.test(length)) {
    throw s3Error('InvalidRequest', 'The x-amz-mp-object-size you specified is not valid.');
  }
  const crc32c = readChecksum(request);
  return {
    ofList: { ...request, headers },
    terms: { ...readTerms(request), ...(crc32c === undefined ? {} : { crc32c }) },
    lengthBytes: length === undefined ? undefined : Number(length),
  };
}

/** The CRC-32C of all bytes, in base64. */
function readChecksum(request: S3Request): string | undefined {
  let crc32c: string | undefined;
  for (const name of request.headers.keys()) {
    const algorithm = name.startsWith(checksumPrefix) ? name.slice(checksumPrefix.length) : '';
    const sum = headerOf(request, name) ?? '';
    // A sum of the parts' sums says no more than the entity tags in the list do.
    if (['', 'type', 'algorithm'].includes(algorithm) || /-\d{1,5}$/.test(sum)) continue;
    if (algorithm !== 'crc32c') throw s3Error('NotImplemented', `${name} of a whole object is not computed here.`);
    crc32c = sum;
  }
  return crc32c;
}

function toPart(record: ReadonlyMap<string, string>): ChosenPart {
  const number = record.get('PartNumber')?.trim() ?? '';
  if (!/^\d{1,5}$/.test(number)) throw s3Error('MalformedXML', 'A part has no PartNumber.');
  return { number: Number(number), md5: md5OfTag(record.get('ETag') ?? '') };
}
