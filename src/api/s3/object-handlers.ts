import { authorizedBucket } from '../authorized-bucket.ts';
import { insertWhole } from '../insert-whole.ts';
import { deleteIfThere } from './bucket-handlers.ts';
import { etagOf } from './entity-tag.ts';
import { incomingBody } from './incoming-body.ts';
import { readContentMd5, readObjectHeaders } from './object-headers.ts';
import { objectOf, type S3Handler } from './s3-call.ts';
import { s3Error } from './s3-error.ts';

export const putObject: S3Handler = async (deps, call) => {
  const { bucket, key } = objectOf(call);
  await authorizedBucket(deps, call, bucket);
  const { request, signer, body: raw, signal } = call;
  const { terms, ...told } = readObjectHeaders(request);
  const md5 = readContentMd5(request);
  const incoming = incomingBody(request, signer, raw);
  const { lengthBytes } = incoming;
  const object = await incoming.use((body) =>
    insertWhole(
      deps.storage,
      { bucket, name: key, ...told, terms: { ...terms, ...(md5 === undefined ? {} : { md5 }) }, lengthBytes },
      { body, signal, check: () => incoming.check() },
    ),
  );
  return { status: 200, headers: { etag: etagOf(object) }, made: `${bucket}/${key}`, bytes: lengthBytes };
};

/** That of an object that is not there succeeds, too. */
export const deleteObject: S3Handler = async (deps, call) => {
  const { bucket, key } = objectOf(call);
  await authorizedBucket(deps, call, bucket);
  const condition = [...call.request.headers.keys()].find((name) => /^(x-amz-)?if-/.test(name));
  if (condition !== undefined)
    throw s3Error('NotImplemented', `${condition} of a request that deletes is not kept to.`);
  await deleteIfThere(deps.storage, { bucket, name: key });
  return { status: 204, made: `${bucket}/${key}` };
};
