import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toJson } from '@bufbuild/protobuf';
import { fakeDeps } from '../../../test/fixtures/api-fixture.ts';
import { findRoute, routesOf } from '../rest/routes.ts';
import { computeRequest, requestIdOf } from './compute-request.ts';
import { createComputeServices } from './compute-services.ts';

const routes = routesOf(createComputeServices(fakeDeps()));

/** The JSON of the request that a verb, a path with its query, and a body make. */
function read(verb: string, target: string, body: string | Uint8Array = '', collection = 'global/images') {
  const [path = '', search = ''] = `/compute/v1/projects/p/${collection}${target}`.split('?', 2);
  const match = findRoute(routes, verb, path);
  assert.ok(match.kind === 'found', target);
  const { route, pathFields } = match;
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  return toJson(route.method.desc.input, computeRequest(route, pathFields, new URLSearchParams(search), bytes));
}

describe('a request', () => {
  test('is its path, its query and its body together', () => {
    const request = read('POST', '?forceCreate=true', '{"name":"i","diskSizeGb":"10","labels":{"a":"b"}}');
    const imageResource = { name: 'i', diskSizeGb: '10', labels: { a: 'b' } };
    assert.deepEqual(request, { project: 'p', forceCreate: true, imageResource });
  });

  test('has the booleans of Python, names in either case, and no standard parameters', () => {
    assert.deepEqual(read('POST', '?force_create=True&alt=json&prettyPrint=false&$alt=json&key=x&fields=*', '{}'), {
      project: 'p',
      forceCreate: true,
      imageResource: {},
    });
    assert.deepEqual(read('POST', '?forceCreate=False', '{}'), { project: 'p', forceCreate: false, imageResource: {} });
  });

  test('may have nothing for its body, in any way that clients write it', () => {
    for (const body of ['', '""', '{}']) {
      assert.deepEqual(read('POST', '/i/deprecate', body), { project: 'p', image: 'i', deprecationStatusResource: {} });
    }
  });

  test('takes what is null for not said', () => {
    assert.deepEqual(read('POST', '', '{"name":null,"labels":null}'), { project: 'p', imageResource: {} });
  });

  test('may have empty maps and lists of what there is not, as the client for Node sends them', () => {
    const disk = read('POST', '', '{"name":"d","asyncSecondaryDisks":{},"replicas":[]}', 'zones/z/disks');
    assert.deepEqual(disk, { project: 'p', zone: 'z', diskResource: { name: 'd' } });
  });

  test("may have the zone of a snapshot's disk, as Terraform's provider sends it", () => {
    const snapshot = read('POST', '/d/createSnapshot', '{"name":"s","zone":"z"}', 'zones/z/disks');
    assert.deepEqual(snapshot, { project: 'p', zone: 'z', disk: 'd', snapshotResource: { name: 's' } });
  });
});

describe('refuses', () => {
  const cases: readonly [what: string, verb: string, target: string, body: string | Uint8Array, message: RegExp][] = [
    ['a parameter of another API', 'GET', '?region=x', '', /Unknown name "region": Cannot bind query parameter\./],
    ['a parameter given twice', 'GET', '?filter=a&filter=b', '', /Parameter "filter" is given more than once\./],
    ['a parameter of another type', 'GET', '?maxResults=many', '', /max_results must be a whole number/],
    [
      'a field that there is not',
      'POST',
      '',
      '{"nme":"x"}',
      /Unknown name "nme" at 'image_resource': Cannot find field\./,
    ],
    ['a field of a field', 'POST', '', '{"rawDisk":{"x":1}}', /Unknown name "rawDisk\.x"/],
    ['a field of an item', 'POST', '', '{"guestOsFeatures":[{},{"x":1}]}', /Unknown name "guestOsFeatures\.x"/],
    ['a prototype', 'POST', '', '{"__proto__":{"name":"x"}}', /Unknown name "__proto__"/],
    ['a constructor', 'POST', '', '{"constructor":{"name":"x"}}', /Unknown name "constructor"/],
    ['a body that is no object', 'POST', '', '[]', /The body must be a JSON object\./],
    ['a body that is no JSON', 'POST', '', '{', /The request body is not JSON: it ends too early/],
    ['a body that is no text', 'POST', '', Uint8Array.of(0xff), /The request body is not JSON: it is not UTF-8/],
    [
      'a number that is no whole one',
      'POST',
      '',
      '{"diskSizeGb":1.5}',
      /image_resource\.disk_size_gb must be a whole number/,
    ],
    [
      'a number beyond 64 bits',
      'POST',
      '',
      '{"diskSizeGb":"9223372036854775808"}',
      /disk_size_gb must be a whole number/,
    ],
    [
      'a number that JSON cannot have exactly',
      'POST',
      '',
      '{"licenseCodes":[5543610867827062957]}',
      /Invalid value at 'image_resource\.licenseCodes': a number of more than 53 bits/,
    ],
    ['a label that is no text', 'POST', '', '{"labels":{"a":1}}', /labels must be an object, each value a text/],
  ];
  for (const [what, verb, target, body, message] of cases) {
    test(what, () => {
      assert.throws(
        () => read(verb, target, body),
        (error: Error & { code?: string }) => error.code === 'INVALID_ARGUMENT' && message.test(error.message),
      );
    });
  }

  test('what is nested deeper than any message', () => {
    assert.throws(() => read('POST', '', `{"labels":${'['.repeat(100_000)}${']'.repeat(100_000)}}`), {
      code: 'INVALID_ARGUMENT',
    });
  });
});

test('a request id is a UUID other than zero, the same in either case', () => {
  const of = (search: string) => requestIdOf(new URLSearchParams(search));
  const id = '3b241101-e2bb-4255-8caf-4136c566a962';
  assert.equal(of(`requestId=${id}`), id);
  assert.equal(of(`request_id=${id.toUpperCase()}`), id);
  assert.equal(of(''), undefined);
  assert.equal(of('requestId='), undefined);
  for (const wrong of ['x', `${id}0`, '00000000-0000-0000-0000-000000000000', ` ${id}`]) {
    assert.throws(() => of(`requestId=${wrong}`), { code: 'INVALID_ARGUMENT' });
  }
});
