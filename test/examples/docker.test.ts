import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';

const root = join(import.meta.dirname, '..', '..');
/** Instructions in their order, one a line. */
let instructions: readonly { readonly name: string; readonly text: string }[];

before(async () => {
  const file = await readFile(join(root, 'examples', 'docker', 'Dockerfile'), 'utf8');
  const lines = file
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n/g, ' ')
    .split('\n');
  instructions = lines
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [name = '', text = ''] = line.split(/ (.*)/s);
      return { name, text: text.replaceAll(/\s+/g, ' ').trim() };
    });
});

const all = (name: string) => instructions.filter((one) => one.name === name).map(({ text }) => text);

test('is of instructions that there are', () => {
  const known = 'FROM WORKDIR COPY RUN USER ENV VOLUME EXPOSE STOPSIGNAL HEALTHCHECK ENTRYPOINT CMD'.split(' ');
  for (const { name } of instructions) assert.ok(known.includes(name), name);
});

test('copies what is there, and what is not ignored', async () => {
  const ignore = await readFile(join(root, 'examples', 'docker', 'Dockerfile.dockerignore'), 'utf8');
  const taken = ignore.split('\n').flatMap((line) => /^!(.+)$/.exec(line)?.[1] ?? []);
  const copied = all('COPY')
    .filter((text) => !text.startsWith('--from'))
    .flatMap((text) => text.split(' ').slice(0, -1));
  assert.deepEqual([...copied].sort(), [...taken].sort());
  for (const path of copied) assert.ok(existsSync(join(root, path)), path);
});

test('installs by the lock file alone, and runs the pinned Node without a shell, as nobody', () => {
  const fetching = all('RUN').filter((text) => /npm|apt|curl|wget|git /.test(text));
  assert.deepEqual(fetching, ['npm ci --omit=dev --no-audit --no-fund']);
  assert.deepEqual(all('USER'), ['10001:10001']);
  assert.deepEqual(JSON.parse(all('ENTRYPOINT')[0] ?? ''), ['/opt/obraz/bin/obraz']);
  assert.deepEqual(JSON.parse(all('CMD')[0] ?? ''), ['serve']);
});

test('asks for health as a started service answers it', () => {
  const [check = ''] = all('HEALTHCHECK');
  const [node, , script] = JSON.parse(check.slice(check.indexOf('[')));
  assert.equal(node, '/opt/obraz/node_modules/.bin/node');
  assert.match(script, /^fetch\('http:\/\/127\.0\.0\.1:8443\/health'\)/);
  assert.match(all('ENV').join(), /OBRAZ_LISTEN=0\.0\.0\.0:8443/);
});
