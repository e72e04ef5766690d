import assert from 'node:assert/strict';
import test from 'node:test';
import { grpcClient, startApi, subjectId } from '../../test/fixtures/api-fixture.ts';
import type { Proof } from '../access/issue-token.ts';
import type { NewAuditRecord } from '../audit/audit-record.ts';
import type { ChangingCall } from '../audit/record-change.ts';
import { permissionDenied } from '../errors.ts';
import { ImageService } from '../gen/yandex/cloud/compute/v1/image_service_pb.ts';
import { IamTokenService } from '../gen/yandex/cloud/iam/v1/iam_token_service_pb.ts';

const revoke = [IamTokenService.method.revoke, { iamToken: 't1.some.token' }] as const;

test('a change is recorded before it is acknowledged', async () => {
  const { promise: isWritten, resolve: write } = Promise.withResolvers<void>();
  const recorded: ChangingCall[] = [];
  await using api = await startApi({
    audit: {
      async recordMadeChange(call) {
        await isWritten;
        recorded.push(call);
      },
    },
  });
  using client = grpcClient(api.target);
  const answered = client.call(...revoke);
  const first = await Promise.race([answered, new Promise((resolve) => setImmediate(resolve, 'nothing yet'))]);
  assert.equal(first, 'nothing yet');
  write();
  assert.ok((await answered).ok);
  assert.deepEqual(
    recorded.map(({ method, subjectId }) => [method, subjectId]),
    [['yandex.cloud.iam.v1.IamTokenService/Revoke', subjectId]],
  );
});

test('a change that cannot be recorded is not acknowledged', async () => {
  const audit = { recordMadeChange: () => Promise.reject(new Error('the disk is full')) };
  await using api = await startApi({ audit });
  using client = grpcClient(api.target);
  const answer = await client.call(...revoke);
  assert.ok(!answer.ok);
  assert.equal(answer.code, 'INTERNAL');
});

test('what a refused caller wrote is cut and made plain', async () => {
  const refusals: NewAuditRecord[] = [];
  await using api = await startApi({
    audit: { recordRefusal: (record) => void refusals.push(record) },
    authorize: () => Promise.reject(permissionDenied('no')),
  });
  using client = grpcClient(api.target);
  for (const imageId of ['fd8', `fd8\u{1f600}${'x'.repeat(40)}`]) {
    const answer = await client.call(ImageService.method.delete, { imageId });
    assert.ok(!answer.ok);
    assert.equal(answer.code, 'PERMISSION_DENIED');
  }
  assert.ok(!(await client.call(ImageService.method.get, { imageId: 'fd8' })).ok);
  assert.deepEqual(
    refusals.map(({ resourceId, code, kind }) => [resourceId, code, kind]),
    [
      ['fd8', 'PERMISSION_DENIED', 'refusal'],
      [`fd8??${'x'.repeat(40)}`, 'PERMISSION_DENIED', 'refusal'],
    ],
  );
});

test('a login that fails is recorded, and one that succeeds is not', async () => {
  const recorded: string[] = [];
  const issueToken = async (proof: Proof) => {
    if ('jwt' in proof) throw permissionDenied('no');
    return { iamToken: 't1.a.b', expiresAt: new Date(), lifeMs: 1_000 };
  };
  await using api = await startApi({
    audit: {
      recordMadeChange: async ({ method }) => void recorded.push(method),
      recordRefusal: ({ method }) => void recorded.push(method),
    },
    tokens: { issueToken },
  });
  using client = grpcClient(api.target);
  const create = IamTokenService.method.create;
  const good = await client.call(create, { identity: { case: 'yandexPassportOauthToken', value: 'y0_x' } });
  assert.ok(good.ok);
  const bad = await client.call(create, { identity: { case: 'jwt', value: 'x' } });
  assert.ok(!bad.ok);
  assert.deepEqual(recorded, ['yandex.cloud.iam.v1.IamTokenService/Create']);
});
