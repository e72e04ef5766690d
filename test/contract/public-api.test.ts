import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { firstOwnNumber, leftOut } from './api-differences.ts';
import { leftOutOfCompute } from './compute-api-differences.ts';
import { describeApi } from './describe-api.ts';
import { servedTypes } from './served-types.ts';

/**
 * The numbers, names and types of our descriptors, and the routes of our methods, against the public APIs'. The tables are
 * what the clients from PyPI and npm have: test/clients/python/public-api.test.ts keeps one so, and
 * test/clients/google-nodejs/public-api.test.ts the other.
 */
const apis = [
  {
    api: 'yandex',
    file: 'public-api.txt',
    reasons: leftOut,
    known: [
      'yandex.cloud.compute.v1.Image 16 size int64',
      'yandex.cloud.compute.v1.CreateImageRequest 11 uri string in source',
      'yandex.cloud.compute.v1.CreateImageRequest 17 pooled bool',
      'yandex.cloud.compute.v1.Image.Status = 4 DELETING',
      'yandex.cloud.operation.OperationService.Cancel yandex.cloud.operation.CancelOperationRequest > yandex.cloud.operation.Operation, GET /operations/{operation_id}:cancel',
    ],
  },
  {
    api: 'compute',
    file: 'public-compute-api.txt',
    reasons: leftOutOfCompute,
    known: [
      'google.cloud.compute.v1.Image 3355 id uint64',
      'google.cloud.compute.v1.Image 500195327 labels map string to string',
      'google.cloud.compute.v1.Operation.Status = 2104194 DONE',
      'google.cloud.compute.v1.Images.Insert google.cloud.compute.v1.InsertImageRequest > google.cloud.compute.v1.Operation, POST /compute/v1/projects/{project}/global/images body image_resource',
    ],
  },
] as const;

for (const { api, file, reasons, known } of apis) {
  describe(file, async () => {
    const table = (await readFile(join(import.meta.dirname, file), 'utf8')).trimEnd().split('\n');
    const types = await servedTypes(api);
    const ours = types.flatMap(describeApi);
    const reasonOf = (line: string) => Object.keys(reasons).find((start) => line.startsWith(`${start} `));
    const isOwn = (line: string) => api === 'yandex' && Number(line.split(' ')[1]) >= firstOwnNumber;

    test('every message, enumeration and service in the public packages is one of the public API', () => {
      const names = new Set(table.map((line) => line.split(' ')[0]));
      for (const { kind, typeName, ...type } of types) {
        const empty = kind === 'message' && 'fields' in type && type.fields.length === 0;
        const named =
          kind === 'service' ? [...names].some((name) => name?.startsWith(`${typeName}.`)) : names.has(typeName);
        assert.ok(named || empty, typeName);
      }
    });

    test('has no field, value or method that the public API does not have, but those with numbers of our own', () => {
      const published = new Set(table);
      assert.deepEqual(
        ours.filter((line) => !published.has(line) && !isOwn(line)),
        [],
      );
    });

    test('has every field, value and method of the public API, but those that are left out for a reason', () => {
      const own = new Set(ours);
      const missing = table.filter((line) => !own.has(line));
      assert.deepEqual(
        missing.filter((line) => reasonOf(line) === undefined),
        [],
      );
      const used = new Set(missing.map(reasonOf));
      assert.deepEqual(
        Object.keys(reasons).filter((start) => !used.has(start)),
        [],
        'reasons for what is not missing',
      );
    });

    test("the table has what the API's documents say of images", () => {
      for (const line of known) assert.ok(table.includes(line), line);
    });
  });
}
