import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { BucketUnusable } from '../bucket-unusable.ts';
import type { StoreOwner } from '../store-owner.ts';
import type { Bucket } from './bucket.ts';
import { readBody } from './read-body.ts';
import { classify, describeFailure } from './s3-failure.ts';

/** Longer than any id; what is longer is no id. */
const maxIdBytes = 256;

/** The object `PREFIX/installation-id`: which installation the packs beside it belong to. */
export function createBucketOwner(bucket: Bucket, prefix: string, description: string): StoreOwner {
  const { requests, idleMs } = bucket;
  const object = { Bucket: bucket.name, Key: `${prefix}installation-id` };
  const unusable = (what: string, cause: unknown) => {
    return new BucketUnusable(`${description} cannot be used: ${what} failed: ${describeFailure(cause)}`, { cause });
  };
  return {
    description,
    place: `s3://${bucket.name}/${prefix}`,
    async read() {
      try {
        return await requests.run({}, async (signal) => {
          const answer = await requests.client.send(new GetObjectCommand(object), { abortSignal: signal });
          const bytes = new Uint8Array(Math.min(answer.ContentLength ?? 0, maxIdBytes));
          await readBody(answer.Body, bytes, { signal, idleMs });
          return new TextDecoder().decode(bytes).trim();
        });
      } catch (error) {
        if (classify(error) === 'missing') return undefined;
        throw unusable('reading installation-id', error);
      }
    },
    async write(installationId) {
      const Body = new TextEncoder().encode(`${installationId}\n`);
      const condition = bucket.abilities.conditionalWrites ? { IfNoneMatch: '*' } : {};
      const command = new PutObjectCommand({ ...object, Body, ContentLength: Body.byteLength, ...condition });
      try {
        await requests.run({}, (abortSignal) => requests.client.send(command, { abortSignal }));
      } catch (error) {
        // Another process was first, or an answer was lost: what is there now says which.
        if (classify(error) !== 'changed' || (await this.read()) !== installationId) {
          throw unusable('writing installation-id', error);
        }
      }
    },
  };
}
