import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { AccessBinding } from '../../../access/access-binding.ts';
import { cloudRoleIds, roleIds } from '../../../access/roles.ts';
import { GlobalSetPolicyRequestSchema } from '../../../gen/google/cloud/compute/v1/common_pb.ts';
import { checkEtag, policyMessage, wantedPolicy } from './policy.ts';

const account = { type: 'serviceAccount', id: 'ajeaaaaaaaaaaaaaaaaa' } as const;
const everybody = { type: 'system', id: 'allUsers' } as const;

function request(init: MessageInitShape<typeof GlobalSetPolicyRequestSchema>) {
  return create(GlobalSetPolicyRequestSchema, init);
}

test('bindings come by role, each with its members, in one order', () => {
  const bindings: AccessBinding[] = [
    { roleId: 'viewer', subject: everybody },
    { roleId: 'compute.images.user', subject: account },
    { roleId: 'viewer', subject: { type: 'userAccount', id: 'jane@example.com' } },
  ];
  const { bindings: shown, etag, version } = policyMessage(bindings);
  assert.deepEqual(
    shown.map(({ role, members }) => [role, members]),
    [
      ['roles/compute.imageUser', [`serviceAccount:${account.id}`]],
      ['roles/viewer', ['allUsers', 'user:jane@example.com']],
    ],
  );
  assert.equal(version, 1);
  assert.equal(policyMessage(bindings.toReversed()).etag, etag);
  assert.notEqual(policyMessage(bindings.slice(1)).etag, etag);
});

test('what is shown can be sent back, whatever the role', () => {
  const bindings = roleIds
    .filter((roleId) => !cloudRoleIds.has(roleId))
    .map((roleId): AccessBinding => ({ roleId, subject: account }));
  const policy = policyMessage(bindings);
  const { etag, wanted } = wantedPolicy(request({ policy }), 'Image');
  checkEtag(etag, bindings);
  const sorted = (all: readonly AccessBinding[]) => all.map(({ roleId }) => roleId).sort();
  assert.deepEqual(sorted(wanted), sorted(bindings));
});

test('bindings and etag may stand at the top, as in requests of old', () => {
  const { etag, wanted } = wantedPolicy(
    request({ etag: 'abc', bindings: [{ role: 'roles/viewer', members: ['allUsers'] }] }),
    'Disk',
  );
  assert.deepEqual([etag, wanted], ['abc', [{ roleId: 'viewer', subject: everybody }]]);
});

test('an etag that was seen must still hold, in either alphabet; who says none changes whatever there is', () => {
  const { etag = '' } = policyMessage([{ roleId: 'viewer', subject: account }]);
  const present: AccessBinding[] = [{ roleId: 'viewer', subject: account }];
  checkEtag('', present);
  checkEtag(Buffer.from(etag, 'base64').toString('base64url'), present);
  assert.throws(() => checkEtag(etag, []), { reason: 'CONDITION_NOT_MET' });
  assert.throws(() => checkEtag('nonsense', present), { reason: 'CONDITION_NOT_MET' });
});

describe('members', () => {
  for (const [member, subject] of [
    [`serviceAccount:${account.id}`, account],
    [`serviceAccount:${account.id}@b1gfolder.iam.obraz.internal`, account],
    ['user:jane@example.com', { type: 'userAccount', id: 'jane@example.com' }],
    ['allUsers', everybody],
    ['allAuthenticatedUsers', { type: 'system', id: 'allAuthenticatedUsers' }],
  ] as const) {
    test(`${member} is taken`, () => {
      const { wanted } = wantedPolicy(
        request({ policy: { bindings: [{ role: 'roles/editor', members: [member] }] } }),
        'Image',
      );
      assert.deepEqual(wanted, [{ roleId: 'editor', subject }]);
    });
  }

  for (const member of [
    '',
    'user:',
    'jane@example.com',
    'group:all@example.com',
    'domain:example.com',
    'serviceAccount:@x',
    'user:a b',
    `user:${'x'.repeat(200)}`,
  ]) {
    test(`${member.slice(0, 40) || 'nothing'} is refused`, () => {
      const asked = request({ policy: { bindings: [{ role: 'roles/editor', members: [member] }] } });
      assert.throws(
        () => wantedPolicy(asked, 'Image'),
        /^ServiceError: Invalid value for field 'policy\.bindings\.members'/,
      );
    });
  }
});

describe('roles', () => {
  test('of the public service that there are here by another name are taken', () => {
    const bindings = [
      { role: 'roles/owner', members: ['allUsers'] },
      { role: 'roles/compute.imageUser', members: ['allUsers'] },
    ];
    const { wanted } = wantedPolicy(request({ policy: { bindings } }), 'Image');
    assert.deepEqual(
      wanted.map(({ roleId }) => roleId),
      ['admin', 'compute.images.user'],
    );
  });

  for (const role of [
    '',
    'viewer',
    'roles/',
    'roles/none',
    'roles/__proto__',
    'roles/resource-manager.clouds.owner',
    'projects/p/roles/x',
  ]) {
    test(`${role || 'nothing'} is refused`, () => {
      const asked = request({ policy: { bindings: [{ role, members: ['allUsers'] }] } });
      assert.throws(
        () => wantedPolicy(asked, 'Image'),
        /^ServiceError: Invalid value for field 'policy\.bindings\.role'/,
      );
    });
  }
});
