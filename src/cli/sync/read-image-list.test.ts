import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { readImageList } from './read-image-list.ts';

test('reads the example', async () => {
  const path = join(import.meta.dirname, '../../../examples/images.yaml');
  const { origins, families } = await readImageList(await readFile(path, 'utf8'), path);
  assert.deepEqual(origins, ['https://*.acc.umu.se']);
  assert.ok(families.length >= 6);
  assert.deepEqual(families[0], {
    family: 'ubuntu-2404-lts',
    keep: 3,
    source: {
      kind: 'simplestreams',
      url: 'https://cloud-images.ubuntu.com/releases/streams/v1/index.json',
      product: 'com.ubuntu.cloud:server:24.04:amd64',
      item: 'disk1.img',
    },
    description: 'Ubuntu 24.04 LTS',
    labels: {},
    minDiskSizeBytes: 10 * 2 ** 30,
    osType: 'linux',
    pooled: false,
  });
});

test('fills in what is not said', async () => {
  const digest = 'AB'.repeat(32);
  const text = `
families:
  - { family: one, url: "https://x.test/a", sha256: ${digest} }
  - { family: two, sums: "http://x.test/SUMS", file: a*, keep: 9, labels: { a: 1, b: "" }, min_disk_size: 5, os: windows, pooled: true }
`;
  const { origins, families } = await readImageList(text, 'list');
  assert.deepEqual(origins, []);
  const [one, two] = families;
  assert.deepEqual(one?.source, {
    kind: 'file',
    url: 'https://x.test/a',
    digest: { algorithm: 'sha256', hex: digest.toLowerCase() },
  });
  assert.equal(one?.keep, 3);
  assert.deepEqual([two?.keep, two?.labels, two?.osType, two?.pooled], [9, { a: '1', b: '' }, 'windows', true]);
  assert.equal(two?.minDiskSizeBytes, 5 * 2 ** 30);
});

test('names everything that is wrong, with its place', async () => {
  const text = `
keep: many
origins: [example.com, 5]
more: 1
families:
  - family: Wrong_Name
    simplestreams: https://user:password@x.test/
    min_disk_size: 1KB
    labels: [a]
    os: beos
    pooled: yes please
  - { family: same, sums: "https://x.test/", file: a, sha256: x }
  - { family: same, url: "https://x.test/" }
  - { family: none }
  - 7
`;
  const problems = [
    'keep: "many" is not a whole number from 1 to 1000',
    'origins: "example.com" is not an origin such as https://example.com or https://*.example.com',
    'origins: 5 is not a text',
    'more: not known here; known are origins, keep, families',
    'families[0].family: "Wrong_Name" is wrong: 3-63 of a-z',
    'families[0].simplestreams: "https://user:password@x.test/" is no http or https address, or has a password in it',
    'families[0]: product is missing',
    'families[0].min_disk_size: "1KB" is not a size from 4MB to 4TB',
    'families[0].labels: give fields and values',
    'families[0].os: "beos" is not one of linux, windows',
    'families[0].pooled: "yes please" is neither true nor false',
    'families[1].sha256: not known here; known are',
    'families[2]: sha256 or sha512 is missing',
    'families[3]: simplestreams, sums or url is missing',
    'families[4]: give fields and values',
    'families: "same" is there more than once',
  ];
  await assert.rejects(readImageList(text, 'list.yaml'), (error) => {
    assert.ok(error instanceof Error);
    assert.match(error.message, /^list\.yaml is not a list of images:\n/);
    for (const problem of problems) assert.ok(error.message.includes(problem), `${problem}\nin ${error.message}`);
    return true;
  });
});

test('refuses what is not YAML, or too much of it', async () => {
  for (const text of ['', '[]', 'families: []', 'families:', '7']) {
    await assert.rejects(readImageList(text, 'l'), { name: 'CliFailed', message: /^l is not a list of images/ }, text);
  }
  await assert.rejects(readImageList('a: [1', 'l'), { name: 'CliFailed', message: /^l is not YAML: .*line 1/ });
  await assert.rejects(readImageList('a: 1\na: 2', 'l'), { name: 'CliFailed', message: /^l is not YAML: .*unique/ });
  const levels = Array.from({ length: 9 }, (_, level) => {
    const before = level === 0 ? 'x' : `*a${level - 1}`;
    return `a${level}: &a${level} [${Array.from({ length: 9 }, () => before).join(', ')}]`;
  });
  await assert.rejects(readImageList(levels.join('\n'), 'l'), {
    name: 'CliFailed',
    message: /^l is not YAML: .*alias/,
  });
});
