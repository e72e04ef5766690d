import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { DescMethodUnary, MessageInitShape } from '@bufbuild/protobuf';
import { create, toJsonString } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import {
  authorized,
  type GrpcClient,
  grpcClient,
  someImage,
  someOperation,
  startApi,
  type TestApi,
} from '../../test/fixtures/api-fixture.ts';
import { BadRequestSchema } from '../gen/google/rpc/error_details_pb.ts';
import { ImageService } from '../gen/yandex/cloud/compute/v1/image_service_pb.ts';
import { imageToJson } from '../images/image-json.ts';

/** Every limit of ImageService's messages, at its edge and one past it, in both encodings. */

const { method } = ImageService;
const source = { case: 'uri', value: 'https://images.example/a.qcow2' } as const;
const imageId = 'fd8aaaaaaaaaaaaaaaaa';
const folderId = 'b1gaaaaaaaaaaaaaaaaa';
const a = (count: number): string => 'a'.repeat(count);
/** Lengths count characters, not bytes or UTF-16 units. */
const disc = (count: number): string => '\u{1f4bf}'.repeat(count);
const labels = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 'v']));

type Create = MessageInitShape<typeof method.create.input>;
type Update = MessageInitShape<typeof method.update.input>;

interface Case {
  readonly name: string;
  readonly method: DescMethodUnary;
  readonly request: Record<string, unknown>;
  /** The field at fault; undefined for a request that is right. */
  readonly field: string | undefined;
}

function createCase(name: string, change: Create, field?: string): Case {
  return { name: `Create ${name}`, method: method.create, request: { folderId, source, ...change }, field };
}

function updateCase(name: string, change: Update, field?: string): Case {
  return { name: `Update ${name}`, method: method.update, request: { imageId, ...change }, field };
}

/** The fields that Create and Update have in common. */
function resourceCases(make: (name: string, change: Create & Update, field?: string) => Case): Case[] {
  return [
    make('no name', { name: '' }),
    make('name of 1', { name: 'a' }),
    make('name of 63', { name: a(63) }),
    make('name of 64', { name: a(64) }, 'name'),
    make('name with an underscore and a dash', { name: 'a_b-c0' }),
    make('name from a digit', { name: '0a' }, 'name'),
    make('name to a dash', { name: 'a-' }, 'name'),
    make('name to an underscore', { name: 'a_' }, 'name'),
    make('name in capitals', { name: 'aB' }, 'name'),
    make('name with a line break', { name: 'a\n' }, 'name'),
    make('description of 256', { description: a(256) }),
    make('description of 256 characters of 4 bytes', { description: disc(256) }),
    make('description of 257', { description: a(257) }, 'description'),
    make('64 labels', { labels: labels(64) }),
    make('65 labels', { labels: labels(65) }, 'labels'),
    make('label key of 63', { labels: { [a(63)]: '' } }),
    make('label key of 64', { labels: { [a(64)]: '' } }, `labels["${a(64)}"]`),
    make('empty label key', { labels: { '': 'a' } }, 'labels[""]'),
    make('label key of all characters', { labels: { 'a-_./\\@0': 'a' } }),
    make('label key from a digit', { labels: { '0a': 'a' } }, 'labels["0a"]'),
    make('label key in capitals', { labels: { aB: 'a' } }, 'labels["aB"]'),
    make('label value of 63', { labels: { k: a(63) } }),
    make('label value of 64', { labels: { k: a(64) } }, 'labels["k"]'),
    make('label value of all characters', { labels: { k: '0-_./\\@a' } }),
    make('label value with a space', { labels: { k: 'a b' } }, 'labels["k"]'),
    make('no minimal disk size', { minDiskSize: 0n }),
    make('minimal disk size of 4 MiB', { minDiskSize: 4_194_304n }),
    make('minimal disk size below 4 MiB', { minDiskSize: 4_194_303n }, 'min_disk_size'),
    make('minimal disk size of 4 TiB', { minDiskSize: 4_398_046_511_104n }),
    make('minimal disk size past 4 TiB', { minDiskSize: 4_398_046_511_105n }, 'min_disk_size'),
    make('negative minimal disk size', { minDiskSize: -1n }, 'min_disk_size'),
  ];
}

/** The cases of a required id of at most 50 characters. In a path it cannot be empty: that is another path. */
function idCases(of: DescMethodUnary, key: 'imageId' | 'folderId', rest: object = {}): Case[] {
  const field = key.replace('Id', '_id');
  const make = (name: string, id: string, wrong?: string): Case => ({
    name: `${of.name} ${name}`,
    method: of,
    request: { ...rest, [key]: id },
    field: wrong,
  });
  const cases = [make(`${field} of 50`, a(50)), make(`${field} of 51`, a(51), field)];
  return key === 'imageId' ? cases : [...cases, make(`no ${field}`, '', field)];
}

function pageCases(of: DescMethodUnary, rest: object): Case[] {
  const make = (name: string, change: object, field?: string): Case => ({
    name: `${of.name} ${name}`,
    method: of,
    request: { ...rest, ...change },
    field,
  });
  return [
    make('page of 0', { pageSize: 0n }),
    make('page of 1000', { pageSize: 1000n }),
    make('page of 1001', { pageSize: 1001n }, 'page_size'),
    make('page of -1', { pageSize: -1n }, 'page_size'),
    make('page token of 100', { pageToken: a(100) }),
    make('page token of 101', { pageToken: a(101) }, 'page_token'),
  ];
}

const listCase = (name: string, change: object, field?: string): Case => ({
  name: `List ${name}`,
  method: method.list,
  request: { folderId, ...change },
  field,
});

const familyCases: readonly [family: string, right: boolean][] = [
  ['', true],
  ['abc', true],
  [a(63), true],
  ['a-0', true],
  ['ab', false],
  [a(64), false],
  ['a_b', false],
  ['ab-', false],
  ['0ab', false],
];

const sourceCases = (['imageId', 'diskId', 'snapshotId'] as const).flatMap((kind) => {
  const field = kind.replace('Id', '_id');
  return [
    createCase(`${field} of 50`, { source: { case: kind, value: a(50) } }),
    createCase(`${field} of 51`, { source: { case: kind, value: a(51) } }, field),
    createCase(`empty ${field}`, { source: { case: kind, value: '' } }, field),
  ];
});

const cases: readonly Case[] = [
  ...[method.get, method.update, method.delete, method.listOperations].flatMap((of) => idCases(of, 'imageId')),
  ...[method.list, method.getLatestByFamily].flatMap((of) => idCases(of, 'folderId')),
  ...idCases(method.create, 'folderId', { source }),
  ...pageCases(method.list, { folderId }),
  ...pageCases(method.listOperations, { imageId }),
  listCase('filter of 1000', { filter: a(1000) }),
  listCase('filter of 1001', { filter: a(1001) }, 'filter'),
  listCase('order of 100', { orderBy: a(100) }),
  listCase('order of 101', { orderBy: a(101) }, 'order_by'),
  ...familyCases.flatMap(([family, right]) => [
    createCase(`family "${family}"`, { family }, right ? undefined : 'family'),
    {
      name: `GetLatestByFamily family "${family}"`,
      method: method.getLatestByFamily,
      request: { folderId, family },
      field: right ? undefined : 'family',
    },
  ]),
  ...resourceCases(createCase),
  ...resourceCases(updateCase),
  createCase('product id of 50', { productIds: [a(50)] }),
  createCase('product id of 51', { productIds: ['a', a(51)] }, 'product_ids[1]'),
  ...sourceCases,
  createCase('long uri', { source: { case: 'uri', value: `https://a/?${a(4096)}` } }),
  createCase('no source', { source: { case: undefined } }, 'source'),
  createCase('os of no kind', { os: {} }),
  updateCase('mask of all that may change', {
    updateMask: { paths: ['name', 'description', 'min_disk_size', 'labels'] },
  }),
  updateCase('mask with what may not', { updateMask: { paths: ['name', 'family'] } }, 'update_mask'),
];

let api: TestApi;
let client: GrpcClient;

before(async () => {
  const updated = someOperation({ kind: 'image.update', done: true, result: imageToJson(someImage()) });
  api = await startApi({
    images: {
      getImage: async () => someImage(),
      getLatestByFamily: async () => someImage(),
      createImage: async () => someOperation(),
      updateImage: async () => updated,
      deleteImage: async () => someOperation({ kind: 'image.delete', done: true, result: {} }),
    },
  });
  client = grpcClient(api.target);
});

after(async () => {
  client[Symbol.dispose]();
  await api[Symbol.asyncDispose]();
});

for (const { name, method: called, request, field } of cases) {
  test(`${name} is ${field === undefined ? 'taken' : `refused, naming ${field.slice(0, 40)}`}`, async () => {
    const overGrpc = await client.call(called, request);
    const details = overGrpc.ok ? [] : (overGrpc.status?.details ?? []);
    const bad = details.map((detail) => anyUnpack(detail, BadRequestSchema)).find((detail) => detail !== undefined);
    assert.equal(overGrpc.ok ? 'OK' : overGrpc.code, field === undefined ? 'OK' : 'INVALID_ARGUMENT');
    assert.equal(bad?.fieldViolations[0]?.field, field);

    const overRest = await callRest(called, request);
    assert.equal(overRest.status, field === undefined ? 200 : 400, JSON.stringify(overRest.body));
    assert.equal(overRest.field, field);
    if (!overGrpc.ok) assert.equal(overRest.message, overGrpc.error.details);
  });
}

/** The same request by the route of its method. */
async function callRest(called: DescMethodUnary, request: Record<string, unknown>) {
  const json: Record<string, unknown> = JSON.parse(toJsonString(called.input, create(called.input, request)));
  const id = encodeURIComponent(String(json.imageId ?? ''));
  const images = '/compute/v1/images';
  const [verb, path] =
    {
      Get: ['GET', `${images}/${id}`],
      GetLatestByFamily: ['GET', `${images}:latestByFamily`],
      List: ['GET', images],
      Create: ['POST', images],
      Update: ['PATCH', `${images}/${id}`],
      Delete: ['DELETE', `${images}/${id}`],
      ListOperations: ['GET', `${images}/${id}/operations`],
    }[called.name] ?? [];
  assert.ok(verb !== undefined && path !== undefined);
  const hasBody = verb === 'POST' || verb === 'PATCH';
  if (!hasBody) delete json.imageId;
  const query = hasBody ? '' : `?${new URLSearchParams(json as Record<string, string>)}`;
  const response = await fetch(api.url + path + query, {
    method: verb,
    headers: authorized,
    ...(hasBody ? { body: JSON.stringify(json) } : {}),
  });
  const body = (await response.json()) as {
    message?: string;
    details?: { '@type': string; fieldViolations?: { field: string }[] }[];
  };
  const bad = body.details?.find((detail) => detail['@type'].endsWith('google.rpc.BadRequest'));
  return { status: response.status, body, message: body.message, field: bad?.fieldViolations?.[0]?.field };
}
