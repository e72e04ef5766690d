import assert from 'node:assert/strict';
import test from 'node:test';
import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';
import { type Image, Image_Status, ImageSchema } from '../../gen/yandex/cloud/compute/v1/image_pb.ts';
import { surplusImages } from './own-images.ts';
import { digestLabel, labelsOf, nameOf, syncLabels } from './synced-image.ts';

const digest = fc.oneof(
  fc.record({ algorithm: fc.constant('sha256' as const), hex: fc.stringMatching(/^[0-9a-f]{64}$/) }),
  fc.record({ algorithm: fc.constant('sha512' as const), hex: fc.stringMatching(/^[0-9a-f]{128}$/) }),
);
const family = fc.stringMatching(/^[a-z][-a-z0-9]{1,61}[a-z0-9]$/);

test('names and labels are what the API takes, whatever a publisher calls its versions', () => {
  fc.assert(
    fc.property(family, digest, fc.string({ unit: 'binary', maxLength: 200 }), (name, ofFile, version) => {
      const upstream = { url: 'https://x.test/', digest: ofFile, version };
      assert.match(nameOf(name, upstream), /^[a-z]([-_a-z0-9]{0,61}[a-z0-9])?$/);
      assert.equal(nameOf(name, upstream), nameOf(name, upstream));
      for (const [key, value] of Object.entries(labelsOf(name, upstream))) {
        assert.match(key, /^[a-z][-_./\\@0-9a-z]{0,62}$/);
        assert.match(value, /^[-_./\\@0-9a-z]{0,63}$/);
      }
    }),
  );
});

test('files that are not the same have labels that are not the same', () => {
  const hex = '0123456789abcdef'.repeat(4);
  const one = digestLabel({ algorithm: 'sha256', hex });
  assert.notEqual(one, digestLabel({ algorithm: 'sha256', hex: `1${hex.slice(1)}` }));
  assert.notEqual(one, digestLabel({ algorithm: 'sha512', hex: hex + hex }));
  const upstream = { url: '', digest: { algorithm: 'sha256' as const, hex }, version: '' };
  assert.deepEqual(labelsOf('f', upstream), { [syncLabels.family]: 'f', [syncLabels.digest]: one });
  assert.equal(
    nameOf('ubuntu-2404-lts', { ...upstream, version: '20260101.2' }),
    'ubuntu-2404-lts-20260101-2-01234567',
  );
  assert.equal(nameOf('debian-12', upstream), 'debian-12-01234567');
});

test('what is surplus is the oldest, never the newest of the publisher, and nothing that is not READY', () => {
  const image = (id: string, day: number, status: Image_Status = Image_Status.READY): Image =>
    create(ImageSchema, { id, status, createdAt: timestampFromDate(new Date(Date.UTC(2026, 0, day))) });
  const [a, b, c, d] = [image('a', 1), image('b', 2), image('c', 3), image('d', 4, Image_Status.CREATING)];
  const ids = (images: readonly Image[]) => images.map(({ id }) => id);
  assert.deepEqual(ids(surplusImages([a, b, c, d], c, 2)), ['a']);
  assert.deepEqual(ids(surplusImages([a, b, c, d], a, 2)), ['b'], 'the publisher went back to an old one');
  assert.deepEqual(ids(surplusImages([a, b, c], undefined, 2)), ['b', 'a'], 'one is still to come');
  assert.deepEqual(ids(surplusImages([a, b, c], c, 1)), ['b', 'a']);
  assert.deepEqual(ids(surplusImages([a, b, c], c, 3)), []);
});
