import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Runs the tests under the folders or files given (all of them by default) with Node's own runner.
 * With CI=true a skipped test is a failure: the machine was to have what the tests need.
 */
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
const flags = process.argv.slice(2).filter((argument) => argument.startsWith('-'));
const places = wanted.length > 0 ? wanted : ['src', 'test'];
const files = places.flatMap((place) =>
  place.endsWith('.test.ts') ? [place] : globSync(`${place}/**/*.test.ts`, { cwd: root }).sort(),
);
const ci = process.env.CI === 'true';
const run = spawnSync(
  process.execPath,
  ['--test', '--test-timeout=300000', '--test-concurrency=2', '--test-reporter=spec', ...flags, ...files],
  { cwd: root, stdio: ['inherit', ci ? 'pipe' : 'inherit', 'inherit'], encoding: 'utf8', maxBuffer: 1 << 28 },
);
if (ci) {
  process.stdout.write(run.stdout);
  const skipped = Number(/^ℹ skipped (\d+)$/m.exec(run.stdout)?.[1] ?? '0');
  if (skipped > 0) {
    console.error(`${skipped} tests were skipped. With CI=true that is a failure: install what they name.`);
    process.exit(1);
  }
}
process.exit(run.status ?? 1);
