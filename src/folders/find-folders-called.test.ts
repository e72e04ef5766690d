import assert from 'node:assert/strict';
import test from 'node:test';
import { eachDatabase } from '../../test/fixtures/databases.ts';
import type { BindingSubject } from '../access/access-binding.ts';
import { insertAccessBinding } from '../access/access-binding-rows.ts';
import { RoleCache } from '../access/role-cache.ts';
import type { RoleId } from '../access/roles.ts';
import type { Subject } from '../access/subject.ts';
import { findFoldersCalled } from './find-folders-called.ts';

const administratorId = 'ajeadmin';
const jane: Subject = { kind: 'serviceAccount', id: 'ajejane' };
const asMember: BindingSubject = { type: jane.kind, id: jane.id };
const everybody: BindingSubject = { type: 'system', id: 'allAuthenticatedUsers' };

eachDatabase(({ open }) => {
  test('a folder is found by its id, and by its name where the subject may see it', async (t) => {
    const db = await open(t);
    const common = { description: '', labels: '{}', created_at: 1 };
    const clouds = ['one', 'two', 'three', 'four'];
    await db.transact(async (tx) => {
      await tx
        .insertInto('clouds')
        .values(clouds.map((name) => ({ ...common, id: `b1gcloud${name}`, name, organization_id: '' })))
        .execute();
      await tx
        .insertInto('folders')
        .values(
          clouds.map((name) => ({
            ...common,
            id: `b1gfolder${name}`,
            cloud_id: `b1gcloud${name}`,
            name: 'prod',
            status: 'ACTIVE' as const,
          })),
        )
        .execute();
    });
    const access = { db, administratorId, roles: new RoleCache() };
    const found = async (called: string, id = jane.id) =>
      (await findFoldersCalled(access, called, { ...jane, id })).map((folder) => folder.id.slice('b1gfolder'.length));
    const bind = (resourceId: string, roleId: RoleId, subject: BindingSubject) =>
      db.transact((tx) => insertAccessBinding(tx, resourceId, { roleId, subject }));

    assert.deepEqual(await found('b1gfoldertwo'), ['two'], 'by its id, which says nothing of it');
    assert.deepEqual(await found('none'), []);
    assert.deepEqual(await found('prod'), [], 'as if there were none');
    assert.equal((await found('prod', administratorId)).length, 2, 'several');

    await bind('b1gfolderone', 'viewer', everybody);
    assert.deepEqual(await found('prod'), ['one']);
    await bind('b1gfoldertwo', 'compute.images.user', asMember);
    assert.deepEqual(await found('prod'), ['one'], 'a role that does not show the folder');
    await bind('b1gcloudthree', 'editor', asMember);
    assert.deepEqual(await found('prod'), ['three'], 'her own, and not what somebody shows to everybody');
    await bind('b1gfolderfour', 'viewer', asMember);
    assert.deepEqual(await found('prod'), ['four', 'three']);
    assert.deepEqual(await found('prod', 'ajeother'), ['one']);
  });
});
