import assert from 'node:assert/strict';
import test from 'node:test';
import { checkZone, chooseDiskType, createCatalog, getDiskType, getZone, listDiskTypes, listZones } from './catalog.ts';
import { isDiskTypeId } from './disk-type.ts';
import { idPrefixOfZone, isZoneId } from './zone.ts';

const catalog = createCatalog(['home-lab-1', 'ru-central1-d'], ['fast', 'network-hdd']);

test('zones have regions, and types are in every zone', () => {
  assert.deepEqual(catalog.zones, [
    { id: 'home-lab-1', regionId: 'home-lab' },
    { id: 'ru-central1-d', regionId: 'ru-central1' },
  ]);
  assert.deepEqual(getZone(catalog, { zoneId: 'home-lab-1' }), catalog.zones[0]);
  const zoneIds = ['home-lab-1', 'ru-central1-d'];
  assert.deepEqual(getDiskType(catalog, { diskTypeId: 'fast' }), { id: 'fast', description: '', zoneIds });
  assert.match(getDiskType(catalog, { diskTypeId: 'network-hdd' }).description, /HDD/);
  assert.throws(() => getZone(catalog, { zoneId: 'x' }), { code: 'NOT_FOUND', message: 'Zone "x" not found' });
  const unknown = { diskTypeId: 'toString' };
  assert.throws(() => getDiskType(catalog, unknown), { code: 'NOT_FOUND', message: 'Disk type "toString" not found' });
});

test('a request without a type gets the usual one, or the first where that is not configured', () => {
  assert.equal(chooseDiskType(catalog, ''), 'network-hdd');
  assert.equal(chooseDiskType(createCatalog(['a-b'], ['fast', 'slow']), ''), 'fast');
  assert.equal(chooseDiskType(catalog, 'fast'), 'fast');
  assert.throws(() => chooseDiskType(catalog, 'tape'), { code: 'INVALID_ARGUMENT', message: /fast, network-hdd/ });
  checkZone(catalog, 'zone_id', 'home-lab-1');
  assert.throws(() => checkZone(catalog, 'zone_id', 'x'), {
    code: 'INVALID_ARGUMENT',
    message: /^Request.*: zone_id: /,
  });
});

test('lists come in pages, also with the longest ids, and know their own tokens only', () => {
  const long = createCatalog([`${'a'.repeat(48)}-1`, 'b-2', 'c-3'], [`t${'x'.repeat(49)}`, 'u']);
  const first = listZones(long, { pageSize: 1, pageToken: '' });
  const second = listZones(long, { pageSize: 1, pageToken: first.nextPageToken });
  const third = listZones(long, { pageSize: 1, pageToken: second.nextPageToken });
  assert.deepEqual(
    [first, second, third].map(({ items }) => items.map(({ id }) => id)),
    [[`${'a'.repeat(48)}-1`], ['b-2'], ['c-3']],
  );
  assert.equal(third.nextPageToken, '');
  assert.ok(first.nextPageToken.length <= 100);
  const types = listDiskTypes(long, { pageSize: 1, pageToken: '' });
  assert.equal(listDiskTypes(long, { pageSize: 1, pageToken: types.nextPageToken }).items[0]?.id, 'u');
  const misused = { pageSize: 1, pageToken: first.nextPageToken };
  assert.throws(() => listDiskTypes(long, misused), { code: 'INVALID_ARGUMENT' });
});

test('says which names zones and types may have', () => {
  for (const id of ['ru-central1-a', 'a-b', 'eu-1']) assert.ok(isZoneId(id), id);
  for (const id of ['', 'a', 'A-b', '-a', 'a-', 'a--b', '1-a', `a-${'b'.repeat(50)}`, 'a-b\n'])
    assert.ok(!isZoneId(id), id);
  for (const id of ['network-ssd', 'a']) assert.ok(isDiskTypeId(id), id);
  for (const id of ['', 'A', '1a', 'a_b', 'a'.repeat(51)]) assert.ok(!isDiskTypeId(id), id);
  assert.deepEqual(
    ['ru-central1-a', 'ru-central1-b', 'ru-central1-c', 'ru-central1-d', 'home-lab-1'].map(idPrefixOfZone),
    ['fhm', 'epd', 'ef3', 'fv4', 'fhm'],
  );
});
