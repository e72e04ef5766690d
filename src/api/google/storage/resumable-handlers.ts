import type { StoredObject } from '../../../buckets/stored-object.ts';
import { unavailable } from '../../../errors.ts';
import type { Upload } from '../../../uploads/upload.ts';
import { authorizedBucket } from '../../authorized-bucket.ts';
import { skipping, through } from '../../rest/through.ts';
import { readContentRange, type UploadPart } from './content-range.ts';
import { digestsOf } from './object-request.ts';
import type { StorageCall, StorageDeps, StorageHandler, StorageReply } from './storage-call.ts';
import { invalidArgument } from './storage-query.ts';
import { objectReply } from './upload-handlers.ts';

/** Takes some of a file, or all, or says how far it is. The answer to the last byte is the object. */
export function continueResumable(deps: StorageDeps, bucket: string): StorageHandler {
  return async (call) => {
    const { storage } = deps;
    await authorizedBucket(deps, call, bucket);
    const part = readContentRange(call.header('content-range'));
    const object = await storage.getObjectSession({ bucket, uploadId: uploadIdOf(call) });
    // Whoever asks once more has not got the answer.
    if (object.generation > 0) return { ...objectReply(object, call.baseUrl), made: '' };
    const upload = part.kind === 'status' ? object.upload : await append(deps, call, object, part);
    const bytes = upload.durableBytes - object.upload.durableBytes;
    const end = part.totalBytes ?? (part.kind === 'bytes' && part.isLast ? upload.durableBytes : undefined);
    if (end === undefined || upload.durableBytes < end) return { ...progressReply(upload), bytes };
    if (upload.durableBytes > end) {
      await storage.dropObject({ uploadId: upload.id });
      throw invalidArgument(`The upload has ${upload.durableBytes} bytes, and was said to have ${end}. Begin anew.`);
    }
    const terms = digestsOf(call.header, { ofWhole: part.kind === 'bytes' && part.startBytes === 0 });
    return { ...objectReply(await storage.finishObject({ uploadId: upload.id, terms }), call.baseUrl), bytes };
  };
}

async function append(
  { storage }: StorageDeps,
  { body, signal }: StorageCall,
  object: StoredObject,
  { startBytes }: UploadPart & { readonly kind: 'bytes' },
): Promise<Upload> {
  const offsetBytes = object.upload.durableBytes;
  if (startBytes > offsetBytes) {
    const message = `Invalid request.  According to the Content-Range header, the upload offset is ${startBytes} byte(s), which exceeds already uploaded size of ${offsetBytes} byte(s).`;
    throw unavailable(message);
  }
  if (startBytes === offsetBytes) return storage.appendToObject(object, { offsetBytes, body, signal });
  // What is here already is not taken again.
  const rest = skipping(offsetBytes - startBytes);
  return through(body, rest, () => storage.appendToObject(object, { offsetBytes, body: rest, signal }));
}

/** Ends an upload before its end, which is told as a call that its client has left. */
export function cancelResumable(deps: StorageDeps, bucket: string): StorageHandler {
  return async (call) => {
    await authorizedBucket(deps, call, bucket);
    const { upload, generation } = await deps.storage.getObjectSession({ bucket, uploadId: uploadIdOf(call) });
    if (generation === 0) await deps.storage.dropObject({ uploadId: upload.id });
    return { status: 499 };
  };
}

/** 308, which is not HTTP's here: how far the upload is, without a header while there is nothing. */
function progressReply({ durableBytes }: Upload): StorageReply {
  const range = durableBytes === 0 ? {} : { range: `bytes=0-${durableBytes - 1}` };
  return { status: 308, headers: range, made: '' };
}

function uploadIdOf({ query }: StorageCall): string {
  const uploadId = query.get('upload_id');
  if (uploadId === null) throw invalidArgument('Required parameter: upload_id');
  return uploadId;
}
