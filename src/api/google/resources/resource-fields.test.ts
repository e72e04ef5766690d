import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import {
  DeprecationStatusSchema,
  ImageSchema,
  InitialStateConfigSchema,
} from '../../../gen/google/cloud/compute/v1/image_pb.ts';
import {
  architectureOf,
  checkDescription,
  checkInitialState,
  checkLabels,
  checkSize,
  checkStorageLocations,
  deprecationOf,
  guestDetailsOf,
} from './resource-fields.ts';

const refused = (field: string) => ({ code: 'INVALID_ARGUMENT', fields: [{ field }] });

function assertRefused(work: () => unknown, field: string): void {
  assert.throws(work, (error: { code?: string; fields?: { field: string }[] }) => {
    assert.deepEqual(
      { code: error.code, fields: error.fields?.map((wrong) => ({ field: wrong.field })) },
      refused(field),
    );
    return true;
  });
}

test('labels are 64 at most, of the public service’s letters', () => {
  const fine = { env: 'test', empty: '', größe: 'ä-1_', a: 'x'.repeat(63), 日本: '語' };
  assert.equal(checkLabels(fine), fine);
  for (const key of ['', 'A', '1a', '-a', '_a', 'a.b', 'a b', 'a'.repeat(64)]) {
    assertRefused(() => checkLabels({ [key]: '' }), 'resource.labels');
  }
  for (const value of ['A', 'a b', 'a/b', 'x'.repeat(64), '\u0000']) {
    assertRefused(() => checkLabels({ key: value }), 'resource.labels.key');
  }
  const many = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`k${index}`, '']));
  assertRefused(() => checkLabels(many), 'resource.labels');
});

test('a size is whole GiB up to 256 TiB, or not said', () => {
  assert.equal(checkSize('sizeGb', undefined), 0);
  assert.equal(checkSize('sizeGb', 0n), 0);
  assert.equal(checkSize('sizeGb', 1n), 2 ** 30);
  assert.equal(checkSize('sizeGb', 262_144n), 2 ** 48);
  for (const gib of [-1n, 262_145n, 2n ** 63n - 1n, -(2n ** 63n)])
    assertRefused(() => checkSize('sizeGb', gib), 'sizeGb');
});

test('an architecture is taken in any case, as Packer writes it', () => {
  assert.equal(architectureOf('x86_64'), 'X86_64');
  assert.equal(architectureOf('ARM64'), 'ARM64');
  assert.equal(architectureOf(''), undefined);
  assert.equal(architectureOf('architecture_unspecified'), undefined);
  assertRefused(() => architectureOf('RISCV'), 'resource.architecture');
});

describe('what is said of the guest', () => {
  test('is kept as it was given, each feature once', () => {
    const features = ['GVNIC', 'UEFI_COMPATIBLE', 'GVNIC', 'FEATURE_TYPE_UNSPECIFIED'].map((type) => ({ type }));
    const licenses = ['projects/p/global/licenses/l'];
    const image = create(ImageSchema, {
      guestOsFeatures: features,
      licenses,
      licenseCodes: [9_223_372_036_854_775_807n],
    });
    assert.deepEqual(guestDetailsOf(image), {
      architecture: undefined,
      guestOsFeatures: ['GVNIC', 'UEFI_COMPATIBLE'],
      licenses,
      licenseCodes: ['9223372036854775807'],
    });
  });

  test('is refused where it is nonsense or too much', () => {
    const licenses = (...texts: string[]) => create(ImageSchema, { licenses: texts });
    assertRefused(() => guestDetailsOf(licenses('')), 'resource.licenses');
    assertRefused(() => guestDetailsOf(licenses('x'.repeat(1025))), 'resource.licenses');
    assertRefused(() => guestDetailsOf(licenses(...Array.from({ length: 65 }, () => 'l'))), 'resource.licenses');
    assertRefused(() => guestDetailsOf(create(ImageSchema, { licenseCodes: [-1n] })), 'resource.licenseCodes');
    const unknown = create(ImageSchema, { guestOsFeatures: [{ type: 'constructor' }] });
    assertRefused(() => guestDetailsOf(unknown), 'resource.guestOsFeatures[].type');
  });
});

test('a description has 2048 characters at most', () => {
  assert.equal(checkDescription('x'.repeat(2048)).length, 2048);
  assertRefused(() => checkDescription('x'.repeat(2049)), 'resource.description');
});

test('there is one storage location at most, and it is a name', () => {
  assert.deepEqual(checkStorageLocations(['us-central1']), ['us-central1']);
  assert.deepEqual(checkStorageLocations([]), []);
  for (const places of [['us', 'eu'], ['US'], ['']])
    assertRefused(() => checkStorageLocations(places), 'resource.storageLocations');
});

test('firmware begins with files in base64, whose types there are', () => {
  const state = create(InitialStateConfigSchema, {
    pk: { content: 'AQID', fileType: 'BIN' },
    dbs: [{ content: 'BA==', fileType: 'X509' }, { content: '_-8' }],
  });
  assert.equal(checkInitialState(state), state);
  const wrong = (file: { content?: string; fileType?: string }) =>
    checkInitialState(create(InitialStateConfigSchema, { dbxs: [file] }));
  assertRefused(() => wrong({ content: 'a b' }), 'resource.shieldedInstanceInitialState.content');
  assertRefused(() => wrong({ fileType: 'PDF' }), 'resource.shieldedInstanceInitialState.fileType');
});

test('a deprecation that says nothing takes back what was said', () => {
  const said = (init: object) => deprecationOf(create(DeprecationStatusSchema, init));
  const texts = { replacement: '', deprecated: '', obsolete: '', deleted: '' };
  assert.equal(deprecationOf(undefined), undefined);
  assert.equal(said({}), undefined);
  assert.deepEqual(said({ state: 'OBSOLETE' }), { state: 'OBSOLETE', ...texts });
  assert.deepEqual(said({ deleted: '2030-01-01T00:00:00Z' }), {
    state: 'ACTIVE',
    ...texts,
    deleted: '2030-01-01T00:00:00Z',
  });
  assertRefused(() => said({ state: 'OLD' }), 'deprecationStatus.state');
  assertRefused(() => said({ replacement: 'global/snapshots/s' }), 'deprecationStatus.replacement');
  assertRefused(() => said({ deleted: 'x'.repeat(1025) }), 'deprecationStatus.deleted');
});
