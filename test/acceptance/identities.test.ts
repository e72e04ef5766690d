import assert from 'node:assert/strict';
import { createHash, createPrivateKey, randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { SignJWT } from 'jose';
import { type Door, DoorError, openGrpcDoor, openRestDoor, type Reply } from '../fixtures/doors.ts';
import { type Obraz, startObraz, temporaryDirectory } from '../fixtures/obraz.ts';

/** Service accounts, their keys, users, and the tokens of both, over gRPC and REST of a started service. */

const opened = new AsyncDisposableStack();
const oauthToken = 'y0_AgAAAAAalice';
let obraz: Obraz;

before(async () => {
  const users = [
    {
      id: 'ajealice000000000000',
      login: 'alice',
      default_email: 'alice@example.com',
      oauth_token_sha256: createHash('sha256').update(oauthToken).digest('hex'),
    },
    { id: 'ajebob00000000000000', login: 'bob' },
  ];
  const path = join(opened.use(await temporaryDirectory()).path, 'users.json');
  await writeFile(path, JSON.stringify({ users }));
  obraz = opened.use(await startObraz({ env: { OBRAZ_USERS: path } }));
});
after(() => opened.disposeAsync());

interface KeyFile {
  readonly id: string;
  readonly serviceAccountId: string;
  readonly privateKey: string;
}

function signJwt(key: KeyFile, audience = 'https://iam.api.cloud.yandex.net/iam/v1/tokens'): Promise<string> {
  return new SignJWT({ iss: key.serviceAccountId, aud: audience })
    .setProtectedHeader({ alg: 'PS256', typ: 'JWT', kid: key.id })
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(createPrivateKey(key.privateKey));
}

async function refused(call: Promise<Reply>, code: number, message: RegExp): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof DoorError);
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  });
}

const [notFound, permissionDenied, failedPrecondition, unauthenticated, invalidArgument] = [5, 7, 9, 16, 3];

describe('over gRPC', () => testDoor(() => openGrpcDoor(obraz)));
describe('over REST', () => testDoor(() => openRestDoor(obraz)));

function testDoor(open: () => Door): void {
  let door: Door;
  before(() => {
    door = opened.use(open());
  });

  /** The service account of a new name in the first folder. */
  async function createAccount(): Promise<string> {
    const accountName = `ci-${randomUUID().slice(0, 8)}`;
    const request = { folderId: obraz.folderId, name: accountName, description: 'of the CI', labels: { a: 'b' } };
    const { body } = await door.call('ServiceAccountService.Create', request);
    const type = (of: string) => `type.googleapis.com/yandex.cloud.iam.v1.${of}`;
    const { id: serviceAccountId } = body.response;
    assert.deepEqual([body.done, body.description], [true, 'Create service account']);
    assert.deepEqual(body.metadata, { '@type': type('CreateServiceAccountMetadata'), serviceAccountId });
    assert.equal(body.response['@type'], type('ServiceAccount'));
    assert.equal((await door.call('OperationService.Get', { operationId: body.id })).body.done, true);
    const listed = await door.call('ServiceAccountService.List', {
      folderId: obraz.folderId,
      filter: `name = "${accountName}"`,
    });
    const [account, ...more] = listed.body.serviceAccounts;
    assert.deepEqual(more, []);
    assert.deepEqual({ ...account, ...request, status: 'ACTIVE' }, account);
    return account.id;
  }

  async function createKey(serviceAccountId: string): Promise<KeyFile> {
    const { body } = await door.call('KeyService.Create', { serviceAccountId, description: 'a key' });
    assert.match(body.privateKey, /^-----BEGIN PRIVATE KEY-----\n/);
    assert.equal(body.key.keyAlgorithm, 'RSA_2048');
    assert.equal(body.key.serviceAccountId, serviceAccountId);
    return { id: body.key.id, serviceAccountId, privateKey: body.privateKey };
  }

  const exchange = async (jwt: string): Promise<string> => {
    const { body } = await door.call('IamTokenService.Create', { jwt }, { token: undefined });
    const lifeMs = Date.parse(body.expiresAt) - Date.now();
    assert.ok(lifeMs > 11 * 3_600_000 && lifeMs <= 12 * 3_600_000, body.expiresAt);
    return body.iamToken;
  };
  /** What anybody who is known may ask. */
  const isKnown = (token: string) => door.call('ZoneService.List', {}, { token });

  test('an account’s key gives tokens, which end with the key', async () => {
    const serviceAccountId = await createAccount();
    const key = await createKey(serviceAccountId);
    const token = await exchange(await signJwt(key));
    await isKnown(token);
    await refused(door.call('KeyService.List', { serviceAccountId }, { token }), notFound, /Service account/);
    await refused(
      door.call('ServiceAccountService.List', { folderId: obraz.folderId }, { token }),
      permissionDenied,
      /Permission denied to resource-manager.folder/,
    );
    const found = await door.call('KeyService.Get', { keyId: key.id });
    assert.equal('privateKey' in found.body, false);
    const listed = await door.call('KeyService.List', { serviceAccountId });
    assert.deepEqual(listed.body.keys, [found.body]);

    await door.call('KeyService.Delete', { keyId: key.id });
    await refused(isKnown(token), unauthenticated, /The token is invalid/);
    const again = await signJwt(key);
    const call = door.call('IamTokenService.Create', { jwt: again }, { token: undefined });
    await refused(call, unauthenticated, /key is unknown or its signature is wrong/);
  });

  test('takes a JWT for the public service and for every name of ours, and for no other', async () => {
    const key = await createKey(await createAccount());
    await exchange(await signJwt(key, `https://${obraz.endpoint}/iam/v1/tokens`));
    await exchange(await signJwt(key, 'https://iam.localhost/iam/v1/tokens'));
    const elsewhere = await signJwt(key, 'https://iam.example.com/iam/v1/tokens');
    const call = door.call('IamTokenService.Create', { jwt: elsewhere }, { token: undefined });
    await refused(call, unauthenticated, /audience/);
  });

  test('a token for a service account is given to who may act as it, and ends with the account', async () => {
    const serviceAccountId = await createAccount();
    const { body } = await door.call('IamTokenService.CreateForServiceAccount', { serviceAccountId });
    await isKnown(body.iamToken);
    const asked = door.call('IamTokenService.CreateForServiceAccount', { serviceAccountId }, { token: body.iamToken });
    await refused(asked, notFound, /Service account/);
    const stranger = door.call('IamTokenService.CreateForServiceAccount', { serviceAccountId }, { token: undefined });
    await refused(stranger, unauthenticated, /has to be passed/);
    await door.call('ServiceAccountService.Delete', { serviceAccountId });
    await refused(isKnown(body.iamToken), unauthenticated, /The token is invalid/);
    const gone = door.call('IamTokenService.CreateForServiceAccount', { serviceAccountId });
    await refused(gone, notFound, /Service account "aje.*" not found/);
  });

  test('changes accounts and keys, and lists what was done to them', async () => {
    const serviceAccountId = await createAccount();
    const key = await createKey(serviceAccountId);
    // Terraform says so of an account without an end.
    const expiresAt = '1970-01-01T00:00:00Z';
    const change = { serviceAccountId, updateMask: 'description,labels', description: 'new', expiresAt };
    const { body } = await door.call('ServiceAccountService.Update', change);
    const account = await door.call('ServiceAccountService.Get', { serviceAccountId });
    assert.deepEqual([account.body.description, 'labels' in account.body], ['new', false]);
    assert.deepEqual(body.response, { '@type': body.response['@type'], ...account.body });
    await door.call('KeyService.Update', { keyId: key.id, updateMask: 'description', description: 'newer' });
    assert.equal((await door.call('KeyService.Get', { keyId: key.id })).body.description, 'newer');
    const ofKey = await door.call('KeyService.ListOperations', { keyId: key.id });
    const ofAccount = await door.call('ServiceAccountService.ListOperations', { serviceAccountId });
    const described = [...ofKey.body.operations, ...ofAccount.body.operations].map(({ description }) => description);
    assert.deepEqual(described.sort(), ['Create service account', 'Update key', 'Update service account']);
    const deleted = await door.call('ServiceAccountService.Delete', { serviceAccountId });
    assert.equal(deleted.body.response['@type'], 'type.googleapis.com/google.protobuf.Empty');
    await refused(door.call('KeyService.Get', { keyId: key.id }), notFound, /Key "aje.*" not found/);
  });

  test('whoever has a token ends it', async () => {
    const serviceAccountId = await createAccount();
    const { body } = await door.call('IamTokenService.CreateForServiceAccount', { serviceAccountId });
    const revoked = await door.call('IamTokenService.Revoke', { iamToken: body.iamToken }, { token: body.iamToken });
    assert.deepEqual(revoked.body, { subjectId: serviceAccountId });
    await refused(isKnown(body.iamToken), unauthenticated, /The token is invalid/);
    await refused(door.call('IamTokenService.Revoke', { iamToken: 't1.a.b' }), invalidArgument, /iam_token/);
    const stranger = door.call('IamTokenService.Revoke', { iamToken: body.iamToken }, { token: undefined });
    await refused(stranger, unauthenticated, /has to be passed/);
  });

  test('all tokens of an account end at once, and what it proves anew gives others', async () => {
    const serviceAccountId = await createAccount();
    const key = await createKey(serviceAccountId);
    const jwt = await signJwt(key);
    const tokens = [await exchange(jwt), await exchange(jwt)];
    const stranger = (
      await door.call('IamTokenService.CreateForServiceAccount', { serviceAccountId: await createAccount() })
    ).body.iamToken;
    const revokeAll = (token?: string) =>
      door.call('TokenService.RevokeAll', { serviceAccountId }, token === undefined ? {} : { token });
    await refused(revokeAll(stranger), notFound, /Service account "aje.*" not found/);
    const missing = door.call('TokenService.RevokeAll', { serviceAccountId: 'ajenobody' });
    await refused(missing, notFound, /Service account "ajenobody" not found/);
    await refused(door.call('TokenService.RevokeAll', {}), invalidArgument, /subject/);

    const { body } = await revokeAll();
    assert.equal(body.subjectId, serviceAccountId);
    for (const token of tokens) await refused(isKnown(token), unauthenticated, /The token is invalid/);
    const again = door.call('IamTokenService.Create', { jwt }, { token: undefined });
    await refused(again, unauthenticated, /signed before all tokens of its account were revoked/);
    await isKnown(stranger);

    // Those that are made for others say the millisecond; JWTs say the second.
    const { body: made } = await door.call('IamTokenService.CreateForServiceAccount', { serviceAccountId });
    await isKnown(made.iamToken);
    while (Date.now() < Math.floor(Date.parse(body.madeUntil) / 1000) * 1000 + 1000) await delay(20);
    await isKnown(await exchange(await signJwt(key)));
    await revokeAll(made.iamToken);
    await refused(isKnown(made.iamToken), unauthenticated, /The token is invalid/);
  });

  test('all tokens of a user are ended by himself, or by the administrator', async () => {
    const logIn = async (): Promise<string> =>
      (await door.call('IamTokenService.Create', { yandexPassportOauthToken: oauthToken }, { token: undefined })).body
        .iamToken;
    const alice = { userAccountId: 'ajealice000000000000' };
    for (const as of ['alice', 'the administrator']) {
      const token = await logIn();
      const bob = { userAccountId: 'ajebob00000000000000' };
      const other = door.call('TokenService.RevokeAll', bob, { token });
      await refused(other, permissionDenied, /administrator alone/);
      const { body } = await door.call('TokenService.RevokeAll', alice, as === 'alice' ? { token } : {});
      assert.equal(body.subjectId, alice.userAccountId);
      await refused(isKnown(token), unauthenticated, /The token is invalid/);
    }
    await isKnown(await logIn());
    const recorded = await door.call('AuditService.List', { resourceId: alice.userAccountId, pageSize: 2 });
    for (const { method, kind } of recorded.body.records) {
      assert.deepEqual([method, kind], ['obraz.v1.TokenService/RevokeAll', 'CHANGE']);
    }
    assert.equal(recorded.body.records.length, 2);
    const nobody = door.call('TokenService.RevokeAll', { userAccountId: 'ajenobody' });
    await refused(nobody, notFound, /User account "ajenobody" not found/);
  });

  test('a user comes with the OAuth token that the operator made known, and is found by id and login', async () => {
    const { body } = await door.call(
      'IamTokenService.Create',
      { yandexPassportOauthToken: oauthToken },
      { token: undefined },
    );
    const token = body.iamToken;
    const alice = {
      id: 'ajealice000000000000',
      yandexPassportUserAccount: { login: 'alice', defaultEmail: 'alice@example.com' },
    };
    const byLogin = await door.call('YandexPassportUserAccountService.GetByLogin', { login: 'alice' }, { token });
    assert.deepEqual(byLogin.body, alice);
    const byId = await door.call('UserAccountService.Get', { userAccountId: alice.id }, { token });
    assert.deepEqual(byId.body, alice);
    await refused(
      door.call('YandexPassportUserAccountService.GetByLogin', { login: 'carol' }, { token }),
      notFound,
      /User account "carol" not found/,
    );
    await refused(door.call('KeyService.List', {}, { token }), invalidArgument, /only service accounts have keys/);
    for (const wrong of [`${oauthToken}x`, '']) {
      const call = door.call('IamTokenService.Create', { yandexPassportOauthToken: wrong }, { token: undefined });
      await refused(call, unauthenticated, /OAuth token is invalid or expired/);
    }
  });

  test('the administrator’s account and its key in the data directory stay', async () => {
    const { body } = await door.call('KeyService.List', {});
    const key = body.keys[0];
    await refused(door.call('KeyService.Delete', { keyId: key.id }), failedPrecondition, /admin-key.json/);
    const { serviceAccountId } = key;
    const deleted = door.call('ServiceAccountService.Delete', { serviceAccountId });
    await refused(deleted, failedPrecondition, /administrator/);
    await isKnown(obraz.token);
  });

  test('refuses requests that break the rules, and names the field', async () => {
    const { folderId } = obraz;
    const cases: [object, string][] = [
      [{ folderId, name: '' }, 'name'],
      [{ folderId, name: 'a_b' }, 'name'],
      [{ folderId, name: 'a'.repeat(64) }, 'name'],
      [{ folderId: '', name: 'a' }, 'folder_id'],
      [{ folderId, name: 'a', description: 'd'.repeat(257) }, 'description'],
      [{ folderId, name: 'a', labels: { A: 'b' } }, 'labels["A"]'],
      [{ folderId, name: 'a', expiresAt: '2030-01-01T00:00:00Z' }, 'expires_at'],
    ];
    for (const [request, field] of cases) {
      await assert.rejects(door.call('ServiceAccountService.Create', { ...request }), (error) => {
        assert.ok(error instanceof DoorError);
        assert.deepEqual([error.code, error.fields], [invalidArgument, [field]]);
        return true;
      });
    }
  });
}
