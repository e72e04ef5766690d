import type { ChosenPart } from '../../buckets/finish-parts.ts';
import { authorizedBucket } from '../authorized-bucket.ts';
import { document } from './bucket-handlers.ts';
import { etagOf, md5OfTag, tagOf } from './entity-tag.ts';
import { incomingBody, readSmallBody } from './incoming-body.ts';
import { readContentMd5, readObjectHeaders } from './object-headers.ts';
import { readRecords } from './read-xml.ts';
import { objectOf, type S3Call, type S3Deps, type S3Handler } from './s3-call.ts';
import { s3Error } from './s3-error.ts';
import { parameterOf } from './s3-request.ts';
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
  const list = await readSmallBody(incomingBody(request, signer, body), { mostBytes: maxListBytes, signal });
  const parts = readRecords(list, { root: 'CompleteMultipartUpload', record: 'Part' }).map(toPart);
  const object = await deps.storage.finishParts(session, { parts, signal });
  const told = element(
    'CompleteMultipartUploadResult',
    ['Location', `/${bucket}/${key}`],
    ['Bucket', bucket],
    ['Key', key],
    ['ETag', etagOf(object)],
  );
  return { ...document(told), made: `${bucket}/${key}` };
};

export const abortUpload: S3Handler = async (deps, call) => {
  const { bucket, key } = objectOf(call);
  const { upload, generation } = await sessionOf(deps, call);
  if (generation > 0) throw s3Error('NoSuchUpload', 'The specified upload was completed already.');
  await deps.storage.dropParts(upload.id);
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

function toPart(record: ReadonlyMap<string, string>): ChosenPart {
  const number = record.get('PartNumber')?.trim() ?? '';
  if (!/^\d{1,5}$/.test(number)) throw s3Error('MalformedXML', 'A part has no PartNumber.');
  return { number: Number(number), md5: md5OfTag(record.get('ETag') ?? '') };
}
