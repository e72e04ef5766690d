import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type ComputeClient, openCompute, rawTarball } from '../fixtures/compute-client.ts';
import { type Door, openRestDoor } from '../fixtures/doors.ts';
import { type FileServer, startFileServer } from '../fixtures/file-server.ts';
import { noise } from '../fixtures/guest.ts';
import { type Obraz, startObraz } from '../fixtures/obraz.ts';
import { type Account, bind, createAccount, createFolder, createTenant, type Tenant } from '../fixtures/tenant.ts';

/** Who is told what by the Compute Engine API: no more than by the other one, whatever he calls things. */

const zone = 'zones/us-central1-a';

let files: FileServer;
let obraz: Obraz;
let compute: ComputeClient;
let door: Door;
let tenant: Tenant;
let guest: Account;

before(async () => {
  files = await startFileServer();
  obraz = await startObraz({
    flags: ['--object-store', files.origin, '--zone', 'us-central1-a', '--zone', 'us-central1-b'],
  });
  compute = openCompute(obraz);
  door = openRestDoor(obraz);
  tenant = await createTenant(door, 'tenant');
  guest = await createAccount(door, obraz.folderId, 'guest');
  files.put('bucket/disk.tar.gz', rawTarball(noise(8192, 1)));
  const rawDisk = { source: 'https://storage.googleapis.com/bucket/disk.tar.gz' };
  await compute.change('POST', 'global/images', { body: { name: 'image', family: 'family', rawDisk } });
  await compute.change('POST', `${zone}/disks`, { body: { name: 'disk', sizeGb: '1' } });
  await compute.change('POST', 'global/snapshots', { body: { name: 'snapshot', sourceDisk: `${zone}/disks/disk` } });
});
after(async () => {
  for (const opened of [door, compute, obraz, files]) await opened[Symbol.asyncDispose]();
});

async function as({ token }: Account, path: string): Promise<{ readonly status: number; readonly body: string }> {
  const answer = await compute.ask('GET', path, { token });
  return { status: answer.status, body: answer.bytes.toString() };
}

describe("what is another's", () => {
  test('is answered like what is not there, by every name that it has', async () => {
    const home = `projects/${compute.project}`;
    const things = [
      ['global/images', await compute.get('global/images/image')],
      ['global/snapshots', await compute.get('global/snapshots/snapshot')],
      [`${zone}/disks`, await compute.get(`${zone}/disks/disk`)],
      ['global/operations', (await compute.get('global/operations')).items[0]],
      [`${zone}/operations`, (await compute.get(`${zone}/operations`)).items[0]],
    ] as const;
    for (const [collection, { name, id }] of things) {
      for (const project of [home, 'projects/default', `projects/${tenant.folderId}`]) {
        for (const called of [name, id]) {
          const there = await as(tenant, `${project}/${collection}/${called}`);
          const nowhere = await as(tenant, `${project}/${collection}/${called.replace(/.$/, '5')}x`);
          assert.deepEqual(
            [there.status, nowhere.status],
            [404, /^\d/.test(called) ? 400 : 404],
            `${project} ${called}`,
          );
        }
      }
    }
  });

  test('is no project, by its name or by its id, whether there is one or not', async () => {
    const lists = ['global/images', 'global/snapshots', `${zone}/disks`, 'global/operations', 'aggregated/disks', ''];
    for (const list of lists) {
      const answers = [];
      for (const project of [compute.project, 'default', 'b1gnosuchfolderatall']) {
        const { status, body } = await as(tenant, `projects/${project}/${list}`.replace(/\/$/, ''));
        answers.push([status, body.replaceAll(project, 'P')]);
      }
      assert.deepEqual(answers[0], answers[1], list);
      assert.deepEqual(answers[0], answers[2], list);
      assert.equal(answers[0]?.[0], 403);
    }
  });

  test('is no source', async () => {
    for (const source of [
      { sourceImage: `projects/${compute.project}/global/images/image` },
      { sourceImage: 'projects/default/global/images/family/family' },
      { sourceSnapshot: `projects/${compute.project}/global/snapshots/snapshot` },
      { sourceDisk: `projects/${compute.project}/${zone}/disks/disk` },
    ]) {
      const body = { name: 'taken', ...source };
      const call = { body, token: tenant.token };
      const refused = await compute.refused(404, 'POST', `projects/${tenant.folderId}/global/images`, call);
      assert.match(refused.message, /^The resource '.*' was not found$/);
    }
  });

  test('does not stand in the way of what is one’s own, though it has the same name', async () => {
    const folderId = await createFolder(door, tenant.cloudId, 'default');
    const project = await compute.ask('GET', 'projects/default', { token: tenant.token });
    assert.equal(project.status, 200, project.bytes.toString());
    const own = await compute.ask('GET', `projects/${folderId}`, { token: tenant.token });
    assert.equal(project.json().id, own.json().id);
    const ambiguous = await compute.refused(400, 'GET', 'projects/default/global/images');
    assert.match(ambiguous.message, /Several folders have this name/);
  });
});

describe('who may use images and nothing else', () => {
  before(() => bind(door, 'Folder', obraz.folderId, 'compute.images.user', guest.id));

  test('is shown the operations on images alone', async () => {
    const { token } = guest;
    const { items } = (await compute.ask('GET', 'global/operations', { token })).json();
    assert.ok(items.length > 0);
    for (const { targetLink } of items) assert.match(targetLink, /\/global\/images\//);
    const aggregated = (await compute.ask('GET', 'aggregated/operations', { token })).json();
    assert.deepEqual(Object.keys(aggregated.items), ['global']);
    await compute.refused(403, 'GET', `${zone}/operations`, { token });
    const whole = await compute.get('aggregated/operations');
    assert.deepEqual(Object.keys(whole.items).sort(), ['global', zone]);
  });

  test('sees no policy, and is told which permissions he has', async () => {
    const { token } = guest;
    const path = 'global/images/image';
    const denied = await compute.refused(403, 'GET', `${path}/getIamPolicy`, { token });
    assert.match(denied.message, /^Required 'compute\.images\.listAccessBindings' permission for 'projects\//);
    const permissions = ['compute.images.get', 'compute.images.delete', 'compute.images.useReadOnly', 'x', '__proto__'];
    const tested = await compute.ask('POST', `${path}/testIamPermissions`, { token, body: { permissions } });
    assert.deepEqual(tested.json(), { permissions: ['compute.images.get', 'compute.images.useReadOnly'] });
  });
});

describe('refusals in the words of the public service', () => {
  const cases: readonly [string, number, string, 'GET' | 'POST', string, unknown, RegExp][] = [
    [
      'a path that can name nothing',
      400,
      'invalid',
      'GET',
      'global/images/Bad%20Name',
      undefined,
      /^Invalid value for field 'image': 'Bad Name'\. Must be a match of regex '\[a-z\]/,
    ],
    [
      'a project that can be none',
      400,
      'invalid',
      'GET',
      'projects/A%00/zones',
      undefined,
      /^Invalid value for field 'project'/,
    ],
    [
      'a type of disks that there is not',
      400,
      'invalid',
      'POST',
      `${zone}/disks`,
      { name: 'x', sizeGb: '1', type: 'pd-none' },
      /^Invalid value for field 'resource\.type': there is no disk type "pd-none"/,
    ],
    [
      'a size of blocks that there is not',
      400,
      'invalid',
      'POST',
      `${zone}/disks`,
      { name: 'x', sizeGb: '1', physicalBlockSizeBytes: '3' },
      /^Invalid value for field 'resource\.physicalBlockSizeBytes'/,
    ],
    [
      'a firmware state that is too much',
      400,
      'invalid',
      'POST',
      'global/images',
      {
        name: 'x',
        sourceImage: 'family/family',
        shieldedInstanceInitialState: { pk: { content: 'A'.repeat(200_000) } },
      },
      /^Invalid value for field 'resource\.shieldedInstanceInitialState': has \d+ characters/,
    ],
    [
      'a key that is not in base64',
      400,
      'invalid',
      'POST',
      'global/images',
      { name: 'x', sourceImage: 'family/family', shieldedInstanceInitialState: { keks: [{ content: 'ä' }] } },
      /Must be in base64\.$/,
    ],
    [
      'a replacement that is no image',
      400,
      'invalid',
      'POST',
      'global/images/image/deprecate',
      { state: 'DEPRECATED', replacement: 'other' },
      /^Invalid value for field 'deprecationStatus\.replacement': 'other'\. The URL is malformed\.$/,
    ],
    [
      'more members than there can be',
      400,
      'invalid',
      'POST',
      'global/images/image/setIamPolicy',
      {
        policy: {
          bindings: [{ role: 'roles/viewer', members: Array.from({ length: 1001 }, (_, index) => `user:u${index}`) }],
        },
      },
      /^Invalid value for field 'policy\.bindings': '1001'/,
    ],
    [
      'a condition',
      400,
      'invalid',
      'POST',
      'global/images/image/setIamPolicy',
      { policy: { bindings: [{ role: 'roles/viewer', members: ['allUsers'], condition: { expression: 'true' } }] } },
      /Conditions are not supported\.$/,
    ],
    [
      'a body that is too large',
      413,
      'requestTooLarge',
      'POST',
      'global/images',
      { name: 'x'.repeat(1_100_000) },
      /at most 1 MiB/,
    ],
    [
      'a parameter given twice',
      400,
      'invalid',
      'GET',
      'global/images?maxResults=1&max_results=2',
      undefined,
      /^Invalid JSON payload received\. Parameter "maxResults"/,
    ],
  ];
  for (const [what, status, reason, verb, path, body, message] of cases) {
    test(what, async () => {
      const error = await compute.refused(status, verb, path, body === undefined ? {} : { body });
      assert.match(error.message, message);
      assert.deepEqual([error.code, error.errors[0].reason], [status, reason]);
    });
  }
});
