import { after, test } from 'node:test';
import { postgresMissing, startPostgres } from '../fixtures/postgres.ts';

/** images.test.ts once more, against a service whose metadata is in PostgreSQL. */

if (postgresMissing === false) {
  const server = await startPostgres();
  // What the service is started with is this process's environment.
  process.env.OBRAZ_DATABASE_URL = await server.createDatabase();
  await import('./images.test.ts');
  after(() => server[Symbol.asyncDispose]());
} else {
  test('the life of images on PostgreSQL', { skip: postgresMissing });
}
