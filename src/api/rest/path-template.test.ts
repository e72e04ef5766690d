import assert from 'node:assert/strict';
import test from 'node:test';
import { matchPath, parsePathTemplate, parseRequestPath } from './path-template.ts';

const templates = {
  list: '/compute/v1/images',
  latest: '/compute/v1/images:latestByFamily',
  get: '/compute/v1/images/{image_id}',
  operations: '/compute/v1/images/{image_id}/operations',
  operation: '/operations/{operation_id}',
  cancel: '/operations/{operation_id}:cancel',
};

const cases: readonly [path: string, template: keyof typeof templates | undefined, values?: Record<string, string>][] =
  [
    ['/compute/v1/images', 'list', {}],
    ['/compute/v1/images/', undefined],
    ['/compute/v1/images:latestByFamily', 'latest', {}],
    ['/compute/v1/images:latestbyfamily', undefined],
    ['/compute/v1/images/fd8a', 'get', { image_id: 'fd8a' }],
    ['/compute/v1/images/fd8a%2Fb', 'get', { image_id: 'fd8a/b' }],
    ['/compute/v1/images/a%3Ab', 'get', { image_id: 'a:b' }],
    ['/compute/v1/images/a%20%D0%B1', 'get', { image_id: 'a б' }],
    ['/compute/v1/images/fd8a:setAccessBindings', undefined],
    ['/compute/v1/images/fd8a/operations', 'operations', { image_id: 'fd8a' }],
    ['/compute/v1/images//operations', undefined],
    ['/compute/v1/images/fd8a/operations/x', undefined],
    ['/operations/fd8o', 'operation', { operation_id: 'fd8o' }],
    ['/operations/fd8o:cancel', 'cancel', { operation_id: 'fd8o' }],
    ['/operations/:cancel', undefined],
    ['/operations/a:b:cancel', 'cancel', { operation_id: 'a:b' }],
    ['/', undefined],
    ['', undefined],
    ['*', undefined],
    ['/operations/%', undefined],
    ['/operations/%ff', undefined],
  ];

for (const [path, name, values] of cases) {
  test(`${path || 'an empty path'} is ${name ?? 'no route'}`, () => {
    const parsed = parseRequestPath(path);
    const hits = Object.entries(templates).flatMap(([candidate, template]) => {
      const match = parsed === undefined ? undefined : matchPath(parsePathTemplate(template), parsed);
      return match === undefined ? [] : [[candidate, match]];
    });
    assert.deepEqual(hits, name === undefined ? [] : [[name, values]]);
  });
}

test('refuses templates beyond its grammar', () => {
  for (const text of ['', '/', 'a', '/a/', '/a/*', '/a/**', '/a/{b=c/*}', '/a/{b', '/a//b', '/a:', '/a:b/c', '/a b']) {
    assert.throws(() => parsePathTemplate(text), text);
  }
});
