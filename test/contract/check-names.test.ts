import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { corpus } from '../corpus/corpus.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The first part of every check's name: what it is a check of. */
const subjects = 'format|raw|qcow2|vmdk|vhdx|vhd|vdi|gzip|xz|zstd|bzip2|layers|tar|ova';
const packers = ['gzip', 'xz', 'zstd', 'bzip2'];

function sources(...patterns: string[]): Map<string, string> {
  const paths = patterns.flatMap((pattern) => globSync(pattern, { cwd: root })).toSorted();
  return new Map(paths.map((path) => [path, readFileSync(`${root}/${path}`, 'utf8')]));
}

/** The names in quotes of this kind. */
function namesIn(texts: Iterable<string>, quote: string): Set<string> {
  const name = new RegExp(`${quote}((?:${subjects})\\.[a-z0-9]+(?:-[a-z0-9]+)*)${quote}`, 'g');
  return new Set([...texts].flatMap((text) => [...text.matchAll(name)].map(([, found = '']) => found)));
}

/** The names that the code refuses with. Those of packed files are put together there, from the packer's and the check's. */
function namesInCode(): Set<string> {
  const code = sources('src/{formats,wrappers}/**/*.ts');
  for (const path of code.keys()) if (path.endsWith('.test.ts')) code.delete(path);
  const names = namesIn(code.values(), "'");
  const add = (packer: string, checks: readonly string[]) => {
    for (const check of checks) names.add(`${packer}.${check}`);
  };
  for (const text of code.values()) {
    for (const [, packer = '', check = ''] of text.matchAll(/refusePacked\(\s*'(\w+)',\s*'([a-z-]+)'/g))
      add(packer, [check]);
    for (const [, packer = ''] of text.matchAll(/ignoreTrailing\('(\w+)'/g)) add(packer, ['trailing-bytes']);
    for (const [, check = ''] of text.matchAll(/refusePacked\(\s*decompressor\.name,\s*'([a-z-]+)'/g)) {
      for (const packer of packers) add(packer, [check]);
    }
  }
  for (const packer of packers) add(packer, ['truncated', 'damaged']);
  // What a thread finds (src/wrappers/thread-messages.ts).
  add('bzip2', ['streams']);
  add('xz', ['window', 'options']);
  return names;
}

const inCode = namesInCode();
const page = readFileSync(`${root}/docs/security.md`, 'utf8');

function missing(these: ReadonlySet<string>, from: ReadonlySet<string>): string[] {
  return [...these.difference(from)].toSorted();
}

test('every check is explained in docs/security.md, and no other', () => {
  const [, checks = ''] = page.split('\n## Checks\n');
  const rows = [...checks.matchAll(/^\| `([a-z0-9.-]+)` \|/gm)].map(([, name = '']) => name);
  assert.deepEqual(missing(inCode, new Set(rows)), [], 'checks of the code that the page does not have');
  assert.deepEqual(missing(new Set(rows), inCode), [], 'checks of the page that the code does not have');
  assert.equal(new Set(rows).size, rows.length, 'each once');
});

test('docs/security.md names no check that is not there', () => {
  assert.deepEqual(missing(namesIn([page], '`'), inCode), []);
});

test('there is a test that makes each check refuse', () => {
  const fired = namesIn(sources('src/{formats,wrappers}/**/*.test.ts', 'test/corpus/*-files.ts').values(), "'");
  assert.deepEqual(missing(inCode, fired), []);
});

test('every class of attack in the corpus is in docs/security.md', () => {
  for (const attack of new Set(Object.values(corpus).flatMap((table) => Object.keys(table)))) {
    assert.ok(page.includes(`*${attack}*`), attack);
  }
});

test('every test that docs/security.md names is there', () => {
  const files = new Set([...page.matchAll(/`((?:src|test)\/[\w./-]+\.ts)`/g)].map(([, path = '']) => path));
  assert.ok(files.size > 10);
  for (const path of files) assert.equal(globSync(path, { cwd: root }).length, 1, path);
});
