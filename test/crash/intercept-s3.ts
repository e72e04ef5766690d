import { S3Client } from '@aws-sdk/client-s3';

/** Requests that change something in a bucket, as points are named. */
const changes: ReadonlyMap<string, string> = new Map([
  ['PutObjectCommand', 'put'],
  ['CreateMultipartUploadCommand', 'begin upload'],
  ['UploadPartCommand', 'upload part'],
  ['CompleteMultipartUploadCommand', 'complete upload'],
  ['AbortMultipartUploadCommand', 'abort upload'],
  ['DeleteObjectCommand', 'delete'],
]);

/**
 * Puts `around` about every request of this process that changes a bucket, each attempt by itself. `nameOf` makes of a key
 * what is the same in every run.
 */
export function interceptS3(
  around: <T>(point: string, run: () => Promise<T>) => Promise<T>,
  nameOf: (key: string) => string,
): void {
  // Its overloads are one function; the cast gives it the type that passing anything on needs.
  const send = S3Client.prototype.send as (...given: unknown[]) => Promise<unknown>;
  Reflect.set(S3Client.prototype, 'send', function (this: S3Client, ...given: unknown[]) {
    const run = () => send.apply(this, given);
    const [command] = given;
    const change = changes.get(Object(command).constructor.name);
    if (change === undefined) return run();
    const { Key: key } = Object(Object(command).input);
    return around(`${change} ${nameOf(String(key))}`, run);
  });
}
