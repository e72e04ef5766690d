import assert from 'node:assert/strict';
import test from 'node:test';
import type { Permission } from '../access/permissions.ts';
import type { Subject } from '../access/subject.ts';
import { authorizationOf } from './authorization.ts';

const subject: Subject = { id: 'ajesomeone0000000000', kind: 'serviceAccount' };
const move = 'yandex.cloud.compute.v1.DiskService/Move';

/** What was asked for. */
function open(method: string) {
  const asked: Permission[] = [];
  const authorize = async (_subject: Subject, permission: Permission) => void asked.push(permission);
  return { asked, ...authorizationOf({ authorize }, method, subject) };
}

test('a method asks for the permission of its row, and for others that the row has', async () => {
  const { asked, authorize, assertAsked } = open(move);
  await authorize({ folderId: 'a' });
  await authorize({ folderId: 'b' }, 'compute.disks.create');
  assert.deepEqual(asked, ['compute.disks.move', 'compute.disks.create']);
  assertAsked();
});

test('a method that asks for another permission, or for none, is a mistake of ours', async () => {
  const { asked, authorize, assertAsked } = open(move);
  assert.throws(assertAsked, /did not ask whether it may/);
  await assert.rejects(authorize({ folderId: 'a' }, 'compute.images.get'), /has no permission compute\.images\.get/);
  assert.deepEqual(asked, []);
  const zones = open('yandex.cloud.compute.v1.ZoneService/List');
  zones.assertAsked();
  await assert.rejects(zones.authorize({ folderId: 'a' }), /needs no permission/);
});
