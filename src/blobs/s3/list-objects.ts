import { ListMultipartUploadsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { type BlobInfo, isBlobName } from '../blob-store.ts';
import type { Bucket } from './bucket.ts';
import { AnswerWrong } from './s3-failure.ts';

/** A multipart upload that was begun and neither completed nor aborted. */
export interface OpenUpload {
  readonly blobName: string;
  readonly uploadId: string;
}

/** The blobs of the bucket, a thousand by request. */
export async function* listObjects({ name: Bucket, blobPrefix: Prefix, requests }: Bucket): AsyncIterable<BlobInfo> {
  let token: string | undefined;
  do {
    const command = new ListObjectsV2Command({ Bucket, Prefix, ContinuationToken: token });
    const page = await requests.run({}, (abortSignal) => requests.client.send(command, { abortSignal }));
    for (const { Key, Size } of page.Contents ?? []) {
      const name = blobNameOf(Key, Prefix);
      if (name === undefined) continue; // not ours
      if (Size === undefined) throw new AnswerWrong(`the list does not say how long ${Key} is`);
      yield { name, sizeBytes: Size };
    }
    token = page.IsTruncated ? following(token, page.NextContinuationToken) : undefined;
  } while (token !== undefined);
}

/** The open uploads of blobs whose names begin with `namePrefix`. */
export async function* listUploads(bucket: Bucket, namePrefix = ''): AsyncIterable<OpenUpload> {
  const { name: Bucket, blobPrefix, requests } = bucket;
  let place: { readonly KeyMarker: string; readonly UploadIdMarker: string } | undefined;
  do {
    const command = new ListMultipartUploadsCommand({ Bucket, Prefix: `${blobPrefix}${namePrefix}`, ...place });
    const page = await requests.run({}, (abortSignal) => requests.client.send(command, { abortSignal }));
    for (const { Key, UploadId } of page.Uploads ?? []) {
      const blobName = blobNameOf(Key, blobPrefix);
      if (blobName !== undefined && UploadId !== undefined) yield { blobName, uploadId: UploadId };
    }
    if (!page.IsTruncated) return;
    const uploadId: string = page.NextUploadIdMarker ?? '';
    place = {
      KeyMarker: following(place && `${place.KeyMarker} ${place.UploadIdMarker}`, page.NextKeyMarker, uploadId),
      UploadIdMarker: uploadId,
    };
  } while (place !== undefined);
}

function blobNameOf(key: string | undefined, prefix: string): string | undefined {
  if (key === undefined || !key.startsWith(prefix)) return undefined;
  const name = key.slice(prefix.length);
  return isBlobName(name) ? name : undefined;
}

/** Where the next page begins; a server that says the same place again would have us ask for ever. */
function following(place: string | undefined, next: string | undefined, more?: string): string {
  if (next === undefined || place === (more === undefined ? next : `${next} ${more}`)) {
    throw new AnswerWrong('the list goes on, and the server does not say where');
  }
  return next;
}
