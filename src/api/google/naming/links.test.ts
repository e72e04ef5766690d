import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { linkMaker, linkOf, linkOfReference, parseReference, pathOf } from './links.ts';

const link = linkMaker('https://www.googleapis.com/compute/v1/');

describe('parseReference', () => {
  const image = { kind: 'image', project: 'P1', name: 'deb' };
  const cases: readonly [string, object | undefined][] = [
    ['https://www.googleapis.com/compute/v1/projects/p/global/images/deb', { ...image, project: 'p' }],
    ['https://compute.googleapis.com/compute/beta/projects/p/global/images/deb', { ...image, project: 'p' }],
    ['HTTP://127.0.0.1:8443/compute/v1/projects/p/global/images/deb', { ...image, project: 'p' }],
    ['/compute/v1/projects/p/global/images/deb', { ...image, project: 'p' }],
    ['projects/p/global/images/deb', { ...image, project: 'p' }],
    ['projects/example.com:p/global/images/deb', { ...image, project: 'example.com:p' }],
    ['global/images/deb', { ...image, project: 'home' }],
    ['/global/images/deb', { ...image, project: 'home' }],
    ['global/images/12345', { ...image, project: 'home', name: '12345' }],
    ['global/images/with_underscore', { ...image, project: 'home', name: 'with_underscore' }],
    ['global/images/family/fam', { kind: 'family', project: 'home', name: 'fam' }],
    ['family/fam', { kind: 'family', project: 'home', name: 'fam' }],
    ['projects/p/global/images/family/fam', { kind: 'family', project: 'p', name: 'fam' }],
    ['global/snapshots/snap', { kind: 'snapshot', project: 'home', name: 'snap' }],
    ['zones/z/disks/d', { kind: 'disk', project: 'home', zone: 'z', name: 'd' }],
    ['projects/p/zones/z/disks/d', { kind: 'disk', project: 'p', zone: 'z', name: 'd' }],
    ['projects/p/global%2Fimages/deb', { ...image, project: 'p' }],
    ['', undefined],
    ['deb', undefined],
    ['global/images/', undefined],
    ['global/images/Deb', undefined],
    ['global/images/deb?x=1', undefined],
    ['global/images/a%00b', undefined],
    ['global/images/%', undefined],
    ['global/images/a/b', undefined],
    ['projects/p/regions/r/disks/d', undefined],
    ['projects/-p-/global/images/deb', undefined],
    ['ftp://host/projects/p/global/images/deb', undefined],
    [`global/images/${'a'.repeat(100_000)}`, undefined],
  ];
  for (const [url, expected] of cases) {
    test(`takes ${url.slice(0, 80) || 'nothing'} for ${expected === undefined ? 'nothing' : JSON.stringify(expected)}`, () => {
      assert.deepEqual(parseReference(url, 'home'), expected);
    });
  }

  test('reads back every path that a reply has', () => {
    for (const path of [
      'projects/p/global/images/i',
      'projects/p/global/images/family/f',
      'projects/p/global/snapshots/s',
      'projects/p/zones/z/disks/d',
    ]) {
      const reference = parseReference(link(path), 'home');
      assert.equal(reference === undefined ? undefined : pathOf(reference), path);
    }
  });
});

test('a URL that was given from the project on is given back in full, any other as it is', () => {
  assert.equal(linkOf('projects/p/global/licenses/l', link), link('projects/p/global/licenses/l'));
  assert.equal(linkOf('https://example.com/l', link), 'https://example.com/l');
});

test('what a request named is given back as a URL of this service, and what names nothing as it is', () => {
  assert.equal(linkOfReference('global/images/i', 'p', link), link('projects/p/global/images/i'));
  assert.equal(
    linkOfReference('http://host/compute/v1/projects/q/global/images/i', 'p', link),
    link('projects/q/global/images/i'),
  );
  assert.equal(linkOfReference('', 'p', link), '');
});
