import { after, test } from 'node:test';
import { environmentOf, s3Missing, startS3Server } from '../fixtures/s3-server.ts';

/** images.test.ts once more, against a service whose packs are in a bucket. */

if (s3Missing === false) {
  const server = await startS3Server();
  // What the service is started with is this process's environment.
  Object.assign(process.env, environmentOf(await server.createBucket('images')));
  await import('../acceptance/images.test.ts');
  after(() => server[Symbol.asyncDispose]());
} else {
  test('the life of images in a bucket', { skip: s3Missing });
}
