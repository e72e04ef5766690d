import assert from 'node:assert/strict';
import test, { describe, type TestContext } from 'node:test';
import fc from 'fast-check';
import { eachDatabase, type OpenTestDatabase } from '../../test/fixtures/databases.ts';
import type { AccessBinding, BindingSubject } from './access-binding.ts';
import { deleteAccessBindings, insertAccessBinding } from './access-binding-rows.ts';
import { type AccessDeps, authorize } from './authorize.ts';
import { type Permission, permissions } from './permissions.ts';
import { RoleCache, roleLifeMs } from './role-cache.ts';
import { grants, type RoleId, roleIds } from './roles.ts';
import { cloudScope, folderScope, type Scope, seenWith } from './scope.ts';
import type { Subject } from './subject.ts';

const cloudId = 'b1gcloud000000000000';
const folderId = 'b1gfolder00000000000';
const otherFolderId = 'b1gother000000000000';
const imageId = 'fd8image000000000000';
const someone: Subject = { id: 'ajesomeone0000000000', kind: 'serviceAccount' };
const administratorId = 'ajeadmin000000000000';

interface World extends AccessDeps {
  /** In milliseconds, for the cache. */
  time: number;
  bind(resourceId: string, roleId: RoleId, subject?: BindingSubject): Promise<AccessBinding>;
}

/** A cloud with two folders. */
async function openWorld(t: TestContext, open: OpenTestDatabase): Promise<World> {
  const db = await open(t);
  const common = { description: '', labels: '{}', created_at: 0 };
  await db.transact(async (tx) => {
    const cloud = { ...common, id: cloudId, name: 'cloud', organization_id: '' };
    await tx.insertInto('clouds').values(cloud).execute();
    const folder = { ...common, cloud_id: cloudId, status: 'ACTIVE' as const };
    const folders = [folderId, otherFolderId].map((id) => ({ ...folder, id, name: id }));
    await tx.insertInto('folders').values(folders).execute();
  });
  const world: World = {
    db,
    administratorId,
    time: 0,
    roles: new RoleCache(() => world.time),
    async bind(resourceId, roleId, subject = { type: someone.kind, id: someone.id }) {
      const binding = { roleId, subject };
      await db.transact((tx) => insertAccessBinding(tx, resourceId, binding));
      return binding;
    },
  };
  return world;
}

const image = { noun: 'Image', id: imageId, folderId, seenWith: seenWith.Image } as const;
const missing = { ...image, folderId: undefined };

/** '' when it may. */
async function refusal(
  deps: AccessDeps,
  permission: Permission,
  scope: Scope,
  subject: Subject = someone,
): Promise<string> {
  try {
    await authorize(deps, subject, permission, scope);
    return '';
  } catch (error) {
    assert.ok(error instanceof Error && 'code' in error);
    return `${error.code}: ${error.message}`;
  }
}

describe('roles', () => {
  const has = (roleId: RoleId) => permissions.filter((permission) => grants(roleId, permission));

  test('editor has what viewer has, and admin what editor has', () => {
    for (const service of ['', 'compute.', 'resource-manager.']) {
      const [viewer, editor, admin] = ['viewer', 'editor', 'admin'].map(
        (level) => new Set(has(roleIds.find((id) => id === service + level) ?? 'viewer')),
      );
      assert.ok(viewer && editor && admin);
      assert.ok(viewer.isSubsetOf(editor) && editor.isSubsetOf(admin));
      assert.ok(viewer.size < editor.size && editor.size < admin.size);
      const strange = [...admin].filter((permission) => !permission.startsWith(service));
      const places = ['resource-manager.clouds.get', 'resource-manager.folders.get'];
      assert.deepEqual(strange, service === 'compute.' ? places : []);
    }
  });

  test('who uses images sees them and uses them, and no more', () => {
    assert.deepEqual(has('compute.images.user'), ['compute.images.get', 'compute.images.list', 'compute.images.use']);
  });

  test('to say who may do what takes an admin or an owner', () => {
    const sayers = roleIds.filter((roleId) => has(roleId).some((one) => one.endsWith('.updateAccessBindings')));
    assert.deepEqual(sayers.sort(), [
      'admin',
      'compute.admin',
      'resource-manager.admin',
      'resource-manager.clouds.owner',
    ]);
  });
});

eachDatabase(({ open }) => {
  test('a role on a cloud holds for its folders and what is in them', async (t) => {
    const world = await openWorld(t, open);
    assert.match(await refusal(world, 'compute.images.get', image), /^NOT_FOUND/);
    await world.bind(cloudId, 'viewer');
    for (const scope of [image, { folderId }, { folderId: otherFolderId }]) {
      assert.equal(await refusal(world, 'compute.images.get', scope), '');
    }
    assert.equal(await refusal(world, 'resource-manager.folders.get', folderScope(folderId)), '');
    assert.equal(await refusal(world, 'resource-manager.clouds.get', cloudScope(cloudId)), '');
    assert.match(await refusal(world, 'compute.images.update', image), /^PERMISSION_DENIED/);
  });

  test('a role on a folder or an image holds there and nowhere else', async (t) => {
    const world = await openWorld(t, open);
    await world.bind(imageId, 'compute.images.user');
    assert.equal(await refusal(world, 'compute.images.use', image), '');
    assert.match(await refusal(world, 'compute.images.list', { folderId }), /^PERMISSION_DENIED/);
    await world.bind(folderId, 'editor');
    assert.equal(await refusal(world, 'compute.images.create', { folderId }), '');
    assert.match(await refusal(world, 'compute.images.create', { folderId: otherFolderId }), /^PERMISSION_DENIED/);
    assert.match(await refusal(world, 'resource-manager.clouds.get', cloudScope(cloudId)), /^NOT_FOUND/);
    assert.match(await refusal(world, 'obraz.store.manage', 'installation'), /^PERMISSION_DENIED/);
  });

  test('groups have everybody in them, of whichever kind; an id of another kind is another subject', async (t) => {
    const world = await openWorld(t, open);
    const user: Subject = { id: someone.id, kind: 'userAccount' };
    await world.bind(folderId, 'viewer');
    assert.equal(await refusal(world, 'compute.images.get', image), '');
    assert.match(await refusal(world, 'compute.images.get', image, user), /^NOT_FOUND/);
    for (const id of ['allUsers', 'allAuthenticatedUsers'] as const) {
      const binding = await world.bind(imageId, 'viewer', { type: 'system', id });
      assert.equal(await refusal(world, 'compute.images.get', image, user), '');
      await world.db.transact((tx) => deleteAccessBindings(tx, imageId, [binding]));
      assert.match(await refusal(world, 'compute.images.get', image, user), /^NOT_FOUND/);
    }
  });

  test('says the same of what may not be seen as of what is not there', async (t) => {
    const world = await openWorld(t, open);
    for (const permission of ['compute.images.get', 'compute.images.delete'] as const) {
      const answer = `NOT_FOUND: Image "${imageId}" not found`;
      assert.equal(await refusal(world, permission, image), answer);
      assert.equal(await refusal(world, permission, missing), answer);
    }
    for (const id of [folderId, 'b1gmadeup00000000000']) {
      const answer = `PERMISSION_DENIED: Permission denied to resource-manager.folder ${id}`;
      assert.equal(await refusal(world, 'compute.images.list', { folderId: id }), answer);
      assert.equal(
        await refusal(world, 'resource-manager.folders.get', folderScope(id)),
        `NOT_FOUND: Folder "${id}" not found`,
      );
    }
    await world.bind(folderId, 'viewer');
    const answer = `PERMISSION_DENIED: Permission denied to compute.image ${imageId}`;
    assert.equal(await refusal(world, 'compute.images.delete', image), answer);
  });

  test('property: what is allowed is what some binding on the thing or above it allows', async (t) => {
    const world = await openWorld(t, open);
    const others: readonly Subject[] = [someone, { ...someone, kind: 'userAccount' }, { ...someone, id: 'ajeother' }];
    const groups = ['allUsers', 'allAuthenticatedUsers'].map((id) => ({ type: 'system', id }) as BindingSubject);
    const bindable = [...others.map(({ kind, id }): BindingSubject => ({ type: kind, id })), ...groups];
    const scopes: readonly (readonly [Scope, readonly string[]])[] = [
      [image, [imageId, folderId, cloudId]],
      [{ ...image, folderId: otherFolderId }, [imageId, otherFolderId, cloudId]],
      [missing, [imageId]],
      [{ folderId }, [folderId, cloudId]],
      [{ folderId: 'b1gmadeup00000000000' }, ['b1gmadeup00000000000']],
      [folderScope(otherFolderId), [otherFolderId, cloudId]],
      [{ cloudId }, [cloudId]],
      [cloudScope(cloudId), [cloudId]],
      ['installation', []],
    ];
    const binding = fc.record({
      resourceId: fc.constantFrom(imageId, folderId, otherFolderId, cloudId),
      roleId: fc.constantFrom(...roleIds),
      subject: fc.constantFrom(...bindable),
    });
    const question = fc.record({
      subject: fc.constantFrom(...others),
      permission: fc.constantFrom(...permissions),
      scope: fc.constantFrom(...scopes),
    });
    const asked = fc.tuple(fc.array(binding, { maxLength: 4 }), fc.array(question, { minLength: 5, maxLength: 10 }));
    await fc.assert(
      fc.asyncProperty(asked, async ([bindings, questions]) => {
        await world.db.transact(async (tx) => {
          await tx.deleteFrom('access_bindings').execute();
          for (const { resourceId, ...one } of bindings) await insertAccessBinding(tx, resourceId, one);
        });
        world.roles.forget();
        for (const { subject, permission, scope } of questions) {
          const [asScope, places] = scope;
          const isAllowed = bindings.some(
            (one) =>
              places.includes(one.resourceId) &&
              grants(one.roleId, permission) &&
              (one.subject.type === 'system' || (one.subject.type === subject.kind && one.subject.id === subject.id)),
          );
          assert.equal((await refusal(world, permission, asScope, subject)) === '', isAllowed);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('a refusal is the same work for what is there and for what is not: one query', async (t) => {
    const world = await openWorld(t, open);
    let queries = 0;
    const counting = world.db.read.withPlugin({
      transformQuery({ node }) {
        queries += 1;
        return node;
      },
      transformResult: async ({ result }) => result,
    });
    const counted = { ...world, db: { ...world.db, read: counting } };
    const scopes: readonly Scope[] = [
      image,
      missing,
      { folderId },
      { folderId: 'b1gmadeup00000000000' },
      folderScope(folderId),
      folderScope('b1gmadeup00000000000'),
      cloudScope(cloudId),
      cloudScope('b1gmadeup00000000000'),
    ];
    for (let round = 0; round < 2; round += 1) {
      for (const scope of scopes) {
        queries = 0;
        assert.notEqual(await refusal(counted, 'compute.images.delete', scope), '');
        assert.equal(queries, 1);
      }
    }
    // What was found is known for a while.
    await world.bind(folderId, 'editor');
    assert.equal(await refusal(counted, 'compute.images.delete', image), '');
    queries = 0;
    assert.equal(await refusal(counted, 'compute.images.delete', image), '');
    assert.equal(queries, 0);
  });

  test('the administrator may everything; who began an operation may see to it', async (t) => {
    const world = await openWorld(t, open);
    const administrator: Subject = { id: administratorId, kind: 'serviceAccount' };
    for (const permission of permissions) {
      assert.equal(await refusal(world, permission, 'installation', administrator), '');
      assert.equal(await refusal(world, permission, missing, administrator), '');
    }
    const operation = { noun: 'Operation', id: 'fd8o', folderId, seenWith: seenWith.Image } as const;
    assert.equal(await refusal(world, 'compute.images.update', { ...operation, createdBy: someone.id }), '');
    assert.match(
      await refusal(world, 'compute.images.get', { ...operation, createdBy: administratorId }),
      /^NOT_FOUND: Operation/,
    );
  });

  test('a role that is given counts at once; one that is taken back elsewhere, after a second at most', async (t) => {
    const world = await openWorld(t, open);
    assert.match(await refusal(world, 'compute.images.get', image), /^NOT_FOUND/);
    const binding = await world.bind(folderId, 'viewer');
    assert.equal(await refusal(world, 'compute.images.get', image), '');
    // As another process does it: this one is not told.
    await world.db.transact((tx) => deleteAccessBindings(tx, folderId, [binding]));
    world.time += roleLifeMs - 1;
    assert.equal(await refusal(world, 'compute.images.get', image), '');
    world.time += 1;
    assert.match(await refusal(world, 'compute.images.get', image), /^NOT_FOUND/);
  });

  test('a role that is taken back here is gone at once, also for who was just asking', async (t) => {
    const world = await openWorld(t, open);
    const binding = await world.bind(folderId, 'viewer');
    assert.equal(await refusal(world, 'compute.images.get', image), '');
    await world.db.transact((tx) => deleteAccessBindings(tx, folderId, [binding]));
    world.roles.forget();
    assert.match(await refusal(world, 'compute.images.get', image), /^NOT_FOUND/);

    await world.bind(folderId, 'viewer');
    const late = world.roles.read(someone, folderId, async () => {
      world.roles.forget();
      return { above: ['viewer'] as const };
    });
    await late;
    assert.equal(world.roles.get(someone, folderId), undefined);
  });
});
