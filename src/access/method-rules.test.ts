import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test from 'node:test';
import { apiServices } from '../../test/fixtures/api-services.ts';
import { methodNames, ruleOf } from './method-rules.ts';
import { isPermission, permissions } from './permissions.ts';
import { type RoleId, roleIds, rolesWith } from './roles.ts';

/** Routes that are no rpcs, by verb and path. */
const isRoute = (name: string) => /^[A-Z]+ \//.test(name);

test('every rpc has a row, and every row is of an rpc or a route', async () => {
  const rpcs = (await apiServices()).flatMap(({ typeName, methods }) =>
    methods.map(({ name }) => `${typeName}/${name}`),
  );
  assert.ok(rpcs.length > 50);
  assert.deepEqual(methodNames.filter((name) => !isRoute(name)).sort(), rpcs.sort());
});

test('a method without a row is found at the start', () => {
  assert.throws(() => ruleOf('obraz.v1.NoService/Get'), /has no row/);
});

test('what needs no permission is little, and known', () => {
  const open = methodNames.filter((name) => ruleOf(name) === 'public');
  assert.deepEqual(open, [
    'yandex.cloud.endpoint.ApiEndpointService/Get',
    'yandex.cloud.endpoint.ApiEndpointService/List',
    'yandex.cloud.iam.v1.IamTokenService/Create',
    'POST /token',
  ]);
});

test('every permission of a row is some role’s', () => {
  for (const name of methodNames) {
    const rule = ruleOf(name);
    for (const permission of typeof rule === 'string' ? [] : rule) {
      assert.ok(isPermission(permission) && rolesWith(permission).length > 0, `${name}: ${permission}`);
    }
  }
});

test('docs/access.md has every role, and every permission with its roles', async () => {
  const page = await readFile(new URL('../../docs/access.md', import.meta.url), 'utf8');
  for (const roleId of roleIds) assert.ok(page.includes(`\`${roleId}\``), roleId);
  const rows = [...page.matchAll(/^\| `([\w.-]+\.[\w-]+\.\w+)` \| (.*) \|$/gm)].map(([, name, roles]) => [name, roles]);
  const all: readonly RoleId[] = ['admin', 'resource-manager.clouds.owner'];
  const documented = permissions.filter((permission) => !permission.startsWith('obraz.'));
  const expected = documented.map((permission) => {
    const roles = rolesWith(permission).filter((roleId) => !all.includes(roleId));
    return [permission, roles.map((roleId) => `\`${roleId}\``).join(', ')];
  });
  const permissionRows = rows.filter(([name]) => name !== undefined && isPermission(name));
  assert.deepEqual(permissionRows, expected);
});
