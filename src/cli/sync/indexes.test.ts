import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { isAllowed, parseOrigin, resolveEntry } from './allowed-origins.ts';
import { compareVersions, matchPattern } from './file-pattern.ts';
import { newestItem, productsPath, streamBase } from './simplestreams.ts';
import { readSumsFile } from './sums-file.ts';

const [short, long] = ['ab'.repeat(32), 'cd'.repeat(64)];

test('reads files of digests in both ways of writing, and passes over all else', () => {
  const text = [
    '-----BEGIN PGP SIGNED MESSAGE-----',
    '# Rocky.qcow2: 12 bytes',
    `${short}  a b.qcow2`,
    `${short.toUpperCase()} *./binary.img\r`,
    `${long}  long.qcow2`,
    `SHA256 (tagged (1).qcow2) = ${short}`,
    `SHA512 (tagged.qcow2) = ${long}`,
    `MD5 (x) = ${'0'.repeat(32)}`,
    `SHA256 (short) = ${short.slice(1)}`,
    `${short.slice(1)}  short`,
    `${short}${short.slice(0, 10)}  between`,
    `\\${short}  with\\nnewline`,
    `${short}  back\\slash`,
    `${short}  bell\u0007`,
    `${short}  ${'x'.repeat(256)}`,
    `${short}`,
  ].join('\n');
  assert.deepEqual(
    readSumsFile(text).map(({ name, digest }) => [name, digest.algorithm, digest.hex]),
    [
      ['a b.qcow2', 'sha256', short],
      ['binary.img', 'sha256', short],
      ['long.qcow2', 'sha512', long],
      ['tagged (1).qcow2', 'sha256', short],
      ['tagged.qcow2', 'sha512', long],
    ],
  );
});

test('orders versions as people do', () => {
  const ordered = [
    '',
    '9',
    '9.5-20241120',
    '9.6',
    '9.10',
    '20260101',
    '20260101.2',
    '20260101.10',
    '020260102',
    'a',
    'b1',
  ];
  assert.deepEqual(ordered.toReversed().sort(compareVersions), ordered);
  const version = fc.stringMatching(/^[0-9a.-]{0,6}$/);
  fc.assert(
    fc.property(version, version, version, (a, b, c) => {
      assert.equal(Math.sign(compareVersions(a, b)), -Math.sign(compareVersions(b, a)) || 0);
      const [x = '', y = '', z = ''] = [a, b, c].sort(compareVersions);
      assert.ok(compareVersions(x, y) <= 0 && compareVersions(y, z) <= 0 && compareVersions(x, z) <= 0);
    }),
  );
});

test('matches names against patterns, whatever stars stand for', () => {
  assert.deepEqual(matchPattern('a.qcow2', 'a.qcow2'), []);
  assert.equal(matchPattern('a.qcow2', 'aXqcow2'), undefined);
  assert.deepEqual(matchPattern('A-9-*.*.x86', 'A-9-9.5.1.x86'), ['9', '5.1']);
  for (const name of ['A-9.x86', 'B-9-9.5.x86', 'A-9-95.x86', 'A-9-9.5.arm']) {
    assert.equal(matchPattern('A-9-*.*.x86', name), undefined, name);
  }
  assert.equal(matchPattern('ab*ba', 'aba'), undefined, 'ends do not overlap');
  fc.assert(
    fc.property(
      fc.array(fc.stringMatching(/^[ab]{0,3}$/), { minLength: 2, maxLength: 4 }),
      fc.string(),
      (parts, star) => {
        const stars = matchPattern(parts.join('*'), parts.join(star));
        assert.ok(stars !== undefined);
        assert.equal(parts.map((part, index) => part + (stars[index] ?? '')).join(''), parts.join(star));
      },
    ),
  );
});

const item = { path: 'server/disk.img', sha256: short };
const document = (json: unknown) => ({ url: 'https://x.test/r/streams/v1/index.json', text: JSON.stringify(json) });
const products = (versions: unknown) => document({ format: 'products:1.0', products: { p: { versions } } });

test('finds the newest of a product in simplestreams', () => {
  const index = {
    images: { format: 'products:1.0', datatype: 'image-ids', path: 'no', products: ['p'] },
    others: { format: 'products:1.0', datatype: 'image-downloads', path: 'no', products: ['q'] },
    lists: { format: 'index:1.0', path: 'no', products: ['p'] },
    right: { format: 'products:1.0', datatype: 'image-downloads', path: 'streams/v1/p.json', products: ['q', 'p'] },
  };
  assert.equal(productsPath(document({ format: 'index:1.0', index }), 'p'), 'streams/v1/p.json');
  assert.equal(productsPath(products({}), 'p'), undefined);
  assert.equal(streamBase('https://x.test/r/streams/v1/index.json'), 'https://x.test/r/');
  assert.equal(streamBase('https://x.test/r/p.json'), 'https://x.test/r/');
  const found = newestItem(
    products({
      20260101.9: { items: { disk: item } },
      '20260101.10': { items: { disk: { ...item, path: 'newest' } } },
      20260102: { items: { squashfs: item } },
      20260103: { items: { disk: { path: 'without a digest' } } },
    }),
    'p',
    'disk',
  );
  assert.deepEqual(found, { version: '20260101.10', path: 'newest', digest: { algorithm: 'sha256', hex: short } });
});

test('says of documents that are no simplestreams what is wrong with them', () => {
  const fail = (work: () => unknown, message: RegExp) => assert.throws(work, { name: 'UpstreamFailed', message });
  fail(() => productsPath({ url: 'https://x.test/i', text: '<html>' }, 'p'), /^https:\/\/x\.test\/i is not JSON$/);
  for (const json of [null, [], 1, {}, { format: 'index:2.0' }, { format: 'index:1.0', index: [] }]) {
    fail(() => productsPath(document(json), 'p'), /is not a simplestreams document: /);
  }
  fail(() => productsPath(document({ format: 'index:1.0', index: {} }), 'p'), /has no product "p"$/);
  for (const name of ['q', 'constructor', '__proto__']) fail(() => newestItem(products({}), name, 'disk'), /./);
  for (const versions of [7, { 1: 7 }, { 1: { items: [] } }, { 1: { items: { disk: { ...item, sha256: 'x' } } } }]) {
    fail(() => newestItem(products(versions), 'p', 'disk'), /is not a simplestreams document: /);
  }
  fail(() => newestItem(products({ 1: { items: {} } }), 'p', 'disk'), /has no version of p with an item "disk"/);
  const deep = { url: 'https://x.test/i', text: `${'['.repeat(100_000)}${']'.repeat(100_000)}` };
  fail(() => productsPath(deep, 'p'), /is not (JSON|a simplestreams document)/);
});

test('knows the origins that a list names', () => {
  assert.equal(parseOrigin('https://Example.com:443'), 'https://example.com');
  assert.equal(parseOrigin('http://*.example.com:8080'), 'http://*.example.com:8080');
  for (const wrong of [
    'example.com',
    'ftp://x',
    'https://',
    'https://a/b',
    'https://u@x',
    'https://*',
    'https://a.*.b',
    '*',
  ]) {
    assert.equal(parseOrigin(wrong), undefined, wrong);
  }
  const origins = ['https://mirror.test', 'https://*.umu.test'];
  const allowed = (url: string) => isAllowed(new URL(url), 'https://x.test/index', origins);
  for (const url of ['https://x.test/a', 'https://mirror.test/', 'https://a.umu.test', 'https://b.a.umu.test/x']) {
    assert.ok(allowed(url), url);
  }
  for (const url of [
    ...['http://x.test/', 'https://x.test:8443/', 'https://evil.test', 'https://umu.test', 'https://xumu.test'],
    ...['http://mirror.test', 'https://mirror.test.evil.test', 'file:///etc/passwd'],
  ]) {
    assert.ok(!allowed(url), url);
  }
});

test('what an index names is at its own origin, whatever it is called', () => {
  const place = { indexUrl: 'https://x.test/i/SUMS', base: 'https://x.test/i/SUMS', origins: ['https://*.m.test'] };
  for (const [path, url] of [
    ['a b.img', 'https://x.test/i/a%20b.img'],
    ['a:b', 'https://x.test/i/a:b'],
    ['javascript:x', 'https://x.test/i/javascript:x'],
    ['a?b#c%20', 'https://x.test/i/a%3Fb%23c%2520'],
    ['../up/a', 'https://x.test/up/a'],
    ['//evil.test/a', 'https://x.test/i///evil.test/a'],
    ['\\\\evil.test\\a', 'https://x.test/i/%5C%5Cevil.test%5Ca'],
    ['https://a.m.test/x', 'https://a.m.test/x'],
    ['\ud800', 'https://x.test/i/%EF%BF%BD'],
  ] as const) {
    assert.equal(resolveEntry(path, place), url);
  }
  for (const path of [
    'https://evil.test/',
    'HTTP://169.254.169.254/',
    'https://u:p@x.test/',
    'http://[',
    'http://x.test/',
  ]) {
    assert.throws(() => resolveEntry(path, place), { name: 'UpstreamFailed' }, path);
  }
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (path) => {
      assert.equal(new URL(resolveEntry(`x${path}`, place)).origin, 'https://x.test');
    }),
  );
});
