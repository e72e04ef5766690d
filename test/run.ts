import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { postgresMissing } from './fixtures/postgres.ts';
import { readBackend, runPostgres, runS3 } from './fixtures/run-servers.ts';
import { s3Missing } from './fixtures/s3-server.ts';
import { startServers } from './servers.ts';

/**
 * Runs the tests under the folders or files given (all of them by default) with Node's own runner, but for those under
 * the folders of `--without=FOLDER`; other arguments are passed on to it. `--on=postgres+s3` has the services that the tests
 * start keep their metadata in PostgreSQL and their packs in a bucket, in place of their data directory; `--minutes=N` is
 * how long the run may take. With CI=true a test that is skipped is a failure, as the machine was to have what the tests
 * need; unless it says that it is about what is not there on {PostgreSQL, S3}.
 */
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const places = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
const without = process.argv.slice(2).flatMap((argument) => /^--without=(.+)$/.exec(argument)?.[1] ?? []);
const flags = process.argv.slice(2).filter((argument) => /^-(?!-(?:without|on|minutes)=)/.test(argument));
const found = (places.length > 0 ? places : ['src', 'test']).flatMap((place) =>
  place.endsWith('.test.ts') ? [place] : globSync(`${place}/**/*.test.ts`, { cwd: root }).sort(),
);
const files = found.filter((file) => !without.some((folder) => file.startsWith(`${folder}/`)));
// Without files, Node would look for tests by itself.
if (files.length === 0) throw new Error(`no tests in ${places.join(', ')}`);
const reporters = ['spec', join(root, 'test', 'closing-lines.ts')];
const options = [
  ...['--test', '--test-timeout=300000', '--test-concurrency=3'],
  ...reporters.flatMap((reporter) => [`--test-reporter=${reporter}`, '--test-reporter-destination=stdout']),
];
const backend = readBackend(flagValue('on') ?? process.env.OBRAZ_TEST_ON);
const isShared = backend === 'postgres+s3';
const missing = isShared ? [postgresMissing, s3Missing].filter((reason) => reason !== false) : [];
if (missing.length > 0) throw new Error(`nothing can run on ${backend} here: ${missing.join('; ')}`);
// One server for all files, unless somebody has started one, or there is one file only, which may not need any.
const needsPostgres = (files.length > 1 && postgresMissing === false) || isShared;
await using servers = await startServers({
  postgres: needsPostgres && runPostgres === undefined,
  s3: isShared && runS3 === undefined,
});
const runner = spawn(process.execPath, [...options, ...flags, ...files], {
  cwd: root,
  // Each file is a process, and to load its modules takes as long as most tests: what was compiled is kept, as the service does.
  env: {
    NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'obraz'),
    ...process.env,
    ...servers.environment,
    OBRAZ_TEST_ON: backend,
  },
  stdio: ['inherit', 'pipe', 'inherit'],
});

/** A run that takes longer hangs. It is ended, and the runner says in which files. */
const limitMs = Number(flagValue('minutes') ?? 24) * 60_000;
const limit = setTimeout(() => {
  console.error(`The tests were not done in ${limitMs / 60_000} minutes.`);
  runner.kill('SIGTERM');
}, limitMs);

/** Of the reporter's lines: what the machine was to have. */
let skipped = 0;
let line = '';
runner.stdout.setEncoding('utf8').on('data', (text: string) => {
  process.stdout.write(text);
  const lines = `${line}${text}`.split('\n');
  line = lines.pop() ?? '';
  for (const each of lines) skipped = Number(/^skipped for what is missing: (\d+)$/.exec(each)?.[1] ?? skipped);
});
const [code] = await once(runner, 'close');
clearTimeout(limit);
if (process.env.CI === 'true' && skipped > 0) {
  console.error(`${skipped} tests were skipped. With CI=true that is a failure: install what they name.`);
  process.exitCode = 1;
} else {
  process.exitCode = code ?? 1;
}

/** Of the last `--NAME=VALUE`. */
function flagValue(name: string): string | undefined {
  return process.argv.findLast((argument) => argument.startsWith(`--${name}=`))?.slice(name.length + 3);
}
