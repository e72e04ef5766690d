import assert from 'node:assert/strict';
import { test } from 'node:test';
import { originFromJson, originOf, originToJson } from './origin.ts';

const source = { id: 'fd8a', folderId: 'b1gf', name: 'debian' };

test('has the name of its folder where the caller said one, and not where he said its id', () => {
  const known = { kind: 'image', id: 'fd8a', folderId: 'b1gf', name: 'debian', zoneId: '' } as const;
  assert.deepEqual(originOf('image', source), known);
  assert.deepEqual(originOf('image', source, 'b1gf'), known);
  assert.deepEqual(originOf('image', source, 'debian-cloud'), { ...known, folderName: 'debian-cloud' });
});

test('is the same when it is read back', () => {
  const deprecation = { state: 'DEPRECATED', replacement: '' };
  const origins = [
    originOf('image', { ...source, deprecation }, 'debian-cloud'),
    originOf('snapshot', { ...source, name: '' }),
    originOf('disk', { ...source, zoneId: 'ru-central1-a' }),
  ];
  for (const origin of origins)
    assert.deepEqual(originFromJson(JSON.parse(JSON.stringify(originToJson(origin)))), origin);
  assert.equal(originFromJson(undefined), undefined);
  assert.throws(() => originFromJson({ ...origins[0], folderName: 1 }), /folderName/);
});
