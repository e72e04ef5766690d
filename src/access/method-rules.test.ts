import assert from 'node:assert/strict';
import test from 'node:test';
import { apiServices } from '../../test/fixtures/api-services.ts';
import { methodNames, ruleOf } from './method-rules.ts';
import { isPermission } from './permissions.ts';
import { rolesWith } from './roles.ts';

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
