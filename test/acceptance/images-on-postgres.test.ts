import { test } from 'node:test';
import { sharePostgres } from '../fixtures/databases.ts';
import { postgresMissing } from '../fixtures/postgres.ts';
import { onlyLocal } from '../fixtures/run-servers.ts';

/** images.test.ts once more, against a service whose metadata is in PostgreSQL. */

const missing = onlyLocal('it is images.test.ts') || postgresMissing;
if (missing === false) {
  // What the service is started with is this process's environment.
  process.env.OBRAZ_DATABASE_URL = await sharePostgres().createDatabase();
  await import('./images.test.ts');
} else {
  test('the life of images on PostgreSQL', { skip: missing });
}
