import { after, test } from 'node:test';
import { postgresMissing, startPostgres } from '../fixtures/postgres.ts';
import { environmentOf, s3Missing, startS3Server } from '../fixtures/s3-server.ts';

/** images.test.ts once more, against a service that keeps its metadata in PostgreSQL and its packs in a bucket. */

const missing = postgresMissing === false ? s3Missing : postgresMissing;
if (missing === false) {
  const postgres = await startPostgres();
  const server = await startS3Server();
  // What the service is started with is this process's environment.
  Object.assign(process.env, environmentOf(await server.createBucket()));
  process.env.OBRAZ_DATABASE_URL = await postgres.createDatabase();
  await import('../acceptance/images.test.ts');
  after(async () => {
    await server[Symbol.asyncDispose]();
    await postgres[Symbol.asyncDispose]();
  });
} else {
  test('the life of images in PostgreSQL and a bucket', { skip: missing });
}
