import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Fails when src/gen is not what `npm run generate` makes of proto/: generates into a temporary folder and compares.
 * Exits with 0 when they are the same, 1 when they differ, 2 when generating failed.
 */
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = join(root, 'node_modules', '.bin');
const fresh = mkdtempSync(join(tmpdir(), 'obraz-gen-'));
process.on('exit', () => rmSync(fresh, { recursive: true, force: true }));

const generate = spawnSync(join(bin, 'buf'), ['generate', 'proto', '--output', fresh], {
  cwd: root,
  env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` },
  stdio: ['ignore', 'inherit', 'inherit'],
});
if (generate.status !== 0) {
  console.error(`buf generate failed: ${generate.error?.message ?? `exit code ${generate.status}`}`);
  process.exit(2);
}

const filesUnder = (folder: string): string[] => globSync('src/gen/**/*_pb.ts', { cwd: folder }).sort();
const committed = new Set(filesUnder(root));
const differences: string[] = [];
for (const file of filesUnder(fresh)) {
  if (!committed.delete(file)) differences.push(`missing:  ${file}`);
  else if (!readFileSync(join(root, file)).equals(readFileSync(join(fresh, file))))
    differences.push(`outdated: ${file}`);
}
differences.push(...[...committed].map((file) => `left over: ${file}`));

if (differences.length > 0) {
  console.error(`src/gen does not match proto/:\n${differences.map((line) => `  ${line}`).join('\n')}`);
  console.error('Run "npm run generate" and commit what it changes.');
  process.exit(1);
}
