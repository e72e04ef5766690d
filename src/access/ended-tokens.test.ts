import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync } from 'node:crypto';
import test, { type TestContext } from 'node:test';
import { SignJWT } from 'jose';
import { eachDatabase, type OpenTestDatabase } from '../../test/fixtures/databases.ts';
import type { Database } from '../db/database.ts';
import { authenticate } from './authenticate.ts';
import { findAuthorizedKey } from './authorized-key-rows.ts';
import { issueToken, issueTokenTo } from './issue-token.ts';
import { LiveTokens } from './live-tokens.ts';
import { revokeToken } from './revoke-token.ts';
import { SelfSignedTokens } from './self-signed-tokens.ts';
import type { Subject } from './subject.ts';
import { checkToken, signToken } from './token.ts';
import { createTokenKeyPem, readTokenKey } from './token-key.ts';
import { deleteExpiredRevocations, upsertTokenCutoff } from './token-rows.ts';
import { type UserAccount, Users } from './users.ts';

const tokenKey = readTokenKey(createTokenKeyPem());
const account: Subject = { id: 'ajeaccount0000000000', kind: 'serviceAccount' };
const keyId = 'ajekey00000000000000';
const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
const alice: UserAccount = {
  id: 'ajealice000000000000',
  login: 'alice',
  defaultEmail: 'alice@example.com',
  oauthTokenSha256: createHash('sha256').update('y0_secret').digest('hex'),
};
const invalid = { code: 'UNAUTHENTICATED', message: 'The token is invalid' };

async function openAccount(t: TestContext, open: OpenTestDatabase): Promise<Database> {
  const db = await open(t);
  const common = { description: '', labels: '{}', created_at: 0 };
  const cloud = { ...common, id: 'c', name: 'c', organization_id: '' };
  const folder = { ...common, id: 'f', cloud_id: 'c', name: 'f', status: 'ACTIVE' } as const;
  const publicKeyPem = keys.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const about = { id: keyId, service_account_id: account.id, algorithm: 'RSA_2048', created_at: 0 };
  const key = { ...about, public_key_pem: publicKeyPem };
  await db.transact(async (tx) => {
    await tx.insertInto('clouds').values(cloud).execute();
    await tx.insertInto('folders').values(folder).execute();
    await tx
      .insertInto('service_accounts')
      .values({ id: account.id, folder_id: 'f', name: 'a', created_at: 0 })
      .execute();
    await tx.insertInto('service_account_keys').values(key).execute();
  });
  return db;
}

/** A process that serves: with a clock that a test moves, and what it believes of tokens. */
function startProcess(db: Database, users = new Users([])) {
  let nowMs = 0;
  const liveTokens = new LiveTokens({ db, users, clock: () => nowMs });
  const findKey = (id: string) => findAuthorizedKey(db.read, id);
  const isOurHost = () => false;
  return {
    db,
    tokenKey,
    users,
    liveTokens,
    selfSigned: new SelfSignedTokens({ findKey, isOurHost, now: () => new Date() }),
    isOurHost,
    pass(ms: number) {
      nowMs += ms;
    },
  };
}

eachDatabase(({ open }) => {
  test('a revoked token is refused at once where it was revoked, and within a second elsewhere', async (t) => {
    const db = await openAccount(t, open);
    const [here, there] = [startProcess(db), startProcess(db)];
    const { iamToken } = issueTokenTo({ tokenKey }, account, keyId);
    const other = issueTokenTo({ tokenKey }, account, keyId);
    for (const process of [here, there]) {
      assert.deepEqual(await authenticate(process, `Bearer ${iamToken}`), account);
    }
    assert.deepEqual(await revokeToken(here, { iamToken }), { subjectId: account.id });
    await assert.rejects(authenticate(here, `Bearer ${iamToken}`), invalid);
    assert.deepEqual(await authenticate(here, `Bearer ${other.iamToken}`), account, 'the other token holds');
    there.pass(1_000);
    await assert.rejects(authenticate(there, `Bearer ${iamToken}`), invalid);
    assert.deepEqual(await revokeToken(here, { iamToken }), { subjectId: account.id }, 'again');
  });

  test('a revoked token is refused in every way that its signature can be written', async (t) => {
    const db = await openAccount(t, open);
    const here = startProcess(db);
    const { iamToken } = issueTokenTo({ tokenKey }, account);
    await revokeToken(here, { iamToken });
    // 64 bytes are 85 1/3 characters of base64: of the last one four bits say nothing.
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const twins = [...alphabet].map((last) => `${iamToken.slice(0, -1)}${last}`);
    const verified = twins.filter((twin) => checkToken(tokenKey, twin, new Date()).state === 'valid');
    assert.equal(verified.length, 16);
    for (const twin of verified) await assert.rejects(authenticate(here, `Bearer ${twin}`), invalid);
  });

  test('the database is asked about a token once a second, however often it comes', async (t) => {
    const db = await openAccount(t, open);
    let asked = 0;
    const counted: Database = {
      ...db,
      get read() {
        asked += 1;
        return db.read;
      },
    };
    const here = startProcess(counted);
    const { iamToken } = issueTokenTo({ tokenKey }, account);
    await Promise.all(Array.from({ length: 50 }, () => authenticate(here, `Bearer ${iamToken}`)));
    here.pass(999);
    await authenticate(here, `Bearer ${iamToken}`);
    assert.equal(asked, 1);
    here.pass(1);
    await authenticate(here, `Bearer ${iamToken}`);
    assert.equal(asked, 2);
  });

  test('a failed question is asked again', async (t) => {
    const db = await openAccount(t, open);
    let isBroken = true;
    const broken: Database = {
      ...db,
      get read() {
        if (isBroken) throw new Error('the database is away');
        return db.read;
      },
    };
    const here = startProcess(broken);
    const { iamToken } = issueTokenTo({ tokenKey }, account);
    await assert.rejects(authenticate(here, `Bearer ${iamToken}`), /away/);
    isBroken = false;
    assert.deepEqual(await authenticate(here, `Bearer ${iamToken}`), account);
  });

  test('a token ends with its key, and every token with its account', async (t) => {
    const db = await openAccount(t, open);
    const here = startProcess(db);
    const ofKey = issueTokenTo({ tokenKey }, account, keyId).iamToken;
    const ofAccount = issueTokenTo({ tokenKey }, account).iamToken;
    await db.transact((tx) => tx.deleteFrom('service_account_keys').execute());
    await assert.rejects(authenticate(here, `Bearer ${ofKey}`), invalid);
    assert.deepEqual(await authenticate(here, `Bearer ${ofAccount}`), account);
    await db.transact((tx) => tx.deleteFrom('service_accounts').execute());
    here.pass(1_000);
    await assert.rejects(authenticate(here, `Bearer ${ofAccount}`), invalid);
  });

  test('all tokens of a subject that were made until a moment end together, here and within a second elsewhere', async (t) => {
    const db = await openAccount(t, open);
    const [here, there] = [startProcess(db, new Users([alice])), startProcess(db, new Users([alice]))];
    const at = new Date('2026-01-02T03:04:05.500Z');
    const make = (afterMs: number, subject = account, key: string | undefined = keyId) =>
      issueTokenTo({ tokenKey, now: () => new Date(at.getTime() + afterMs) }, subject, key).iamToken;
    const user: Subject = { id: alice.id, kind: 'userAccount' };
    const admin = signToken(tokenKey, { kind: 'admin', subject: account, issuedAt: at });
    const old = [make(-3_600_000), make(0), make(-1, account, undefined), admin];
    const others = [make(1), make(-1, user, undefined)];
    const authenticateAt = (process: typeof here, token: string) =>
      authenticate({ ...process, now: () => at }, `Bearer ${token}`);
    for (const token of [...old, ...others]) await authenticateAt(there, token);

    await db.transact((tx) => upsertTokenCutoff(tx, { subjectId: account.id, madeUntil: at }));
    await db.transact((tx) => upsertTokenCutoff(tx, { subjectId: account.id, madeUntil: new Date(0) }));
    here.liveTokens.forget();
    there.pass(1_000);
    for (const process of [here, there]) {
      for (const token of old) await assert.rejects(authenticateAt(process, token), invalid);
      for (const token of others) await authenticateAt(process, token);
    }
    await db.transact((tx) => upsertTokenCutoff(tx, { subjectId: alice.id, madeUntil: at }));
    here.liveTokens.forget();
    await assert.rejects(authenticateAt(here, make(-1, user, undefined)), invalid);
    assert.deepEqual(await authenticateAt(here, make(1, user, undefined)), user);
  });

  test('a JWT that was signed until then is no token any more, and buys none', async (t) => {
    const db = await openAccount(t, open);
    const here = startProcess(db);
    const sign = (algorithm: string, signedAt: Date, audience: string) =>
      new SignJWT({ scope: 'https://www.googleapis.com/auth/compute' })
        .setProtectedHeader({ alg: algorithm, kid: keyId })
        .setIssuer(account.id)
        .setAudience(audience)
        .setIssuedAt(signedAt)
        .setExpirationTime('30m')
        .sign(keys.privateKey);
    const until = new Date(Date.now() - 10_000);
    const [before, after] = [new Date(until.getTime() - 5_000), new Date(until.getTime() + 5_000)];
    const asToken = (at: Date) => sign('RS256', at, '');
    const toExchange = (at: Date) => sign('PS256', at, 'https://iam.api.cloud.yandex.net/iam/v1/tokens');
    const known = await asToken(before);
    await authenticate(here, `Bearer ${known}`);

    await db.transact((tx) => upsertTokenCutoff(tx, { subjectId: account.id, madeUntil: until }));
    here.liveTokens.forget();
    await assert.rejects(authenticate(here, `Bearer ${known}`), invalid);
    const isLate = { code: 'UNAUTHENTICATED', message: /signed before all tokens of its account were revoked/ };
    await assert.rejects(authenticate(startProcess(db), `Bearer ${known}`), isLate);
    await assert.rejects(issueToken(here, { jwt: await toExchange(before) }), isLate);
    assert.deepEqual(await authenticate(here, `Bearer ${await asToken(after)}`), account);
    const { iamToken } = await issueToken(here, { jwt: await toExchange(after) });
    assert.deepEqual(await authenticate(here, `Bearer ${iamToken}`), account);
  });

  test('a JWT that an account uses as a token ends with its key, and with its account', async (t) => {
    const db = await openAccount(t, open);
    const here = startProcess(db);
    const jwt = await new SignJWT({ scope: 'https://www.googleapis.com/auth/compute' })
      .setProtectedHeader({ alg: 'RS256', kid: keyId })
      .setIssuer(`${account.id}@f.iam.obraz.internal`)
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(keys.privateKey);
    assert.deepEqual(await authenticate(here, `Bearer ${jwt}`), account);
    await db.transact((tx) => tx.deleteFrom('service_account_keys').execute());
    here.liveTokens.forget();
    await assert.rejects(authenticate(here, `Bearer ${jwt}`), invalid);
    await assert.rejects(authenticate(startProcess(db), `Bearer ${jwt}`), /its key is unknown/);
  });

  test('a user proves to be himself with an OAuth token, and is one as long as the operator says so', async (t) => {
    const db = await openAccount(t, open);
    const users = new Users([alice]);
    const here = startProcess(db, users);
    const { iamToken } = await issueToken(here, { oauthToken: 'y0_secret' });
    assert.deepEqual(await authenticate(here, `Bearer ${iamToken}`), { id: alice.id, kind: 'userAccount' });
    for (const oauthToken of ['', 'y0_other', alice.oauthTokenSha256 ?? '']) {
      await assert.rejects(issueToken(here, { oauthToken }), {
        code: 'UNAUTHENTICATED',
        message: 'OAuth token is invalid or expired',
      });
    }
    const second = await issueToken(here, { oauthToken: 'y0_secret' });
    await revokeToken(here, second);
    await assert.rejects(authenticate(here, `Bearer ${second.iamToken}`), invalid);
    users.replace([{ ...alice, oauthTokenSha256: undefined }]);
    await assert.rejects(issueToken(here, { oauthToken: 'y0_secret' }), { code: 'UNAUTHENTICATED' });
    users.replace([]);
    here.pass(1_000);
    await assert.rejects(authenticate(here, `Bearer ${iamToken}`), invalid);
  });

  test('what was revoked is remembered as long as the token would have lived, the administrator’s for ever', async (t) => {
    const db = await openAccount(t, open);
    const here = startProcess(db);
    const { iamToken, expiresAt } = issueTokenTo({ tokenKey }, account);
    const admin = signToken(tokenKey, { kind: 'admin', subject: account, issuedAt: new Date() });
    await revokeToken(here, { iamToken });
    await revokeToken(here, { iamToken: admin });
    const remembered = async (at: Date) => {
      await db.transact((tx) => deleteExpiredRevocations(tx, at));
      return (await db.read.selectFrom('revoked_tokens').select('id').execute()).length;
    };
    assert.equal(await remembered(new Date(expiresAt.getTime() - 2_000)), 2);
    assert.equal(await remembered(new Date(expiresAt.getTime() + 2_000)), 1);
    await assert.rejects(authenticate(here, `Bearer ${admin}`), invalid);
  });

  test('refuses to revoke what is no token, and lets one that has ended rest', async (t) => {
    const db = await openAccount(t, open);
    const here = startProcess(db);
    await assert.rejects(revokeToken(here, { iamToken: 't1.a.b' }), { code: 'INVALID_ARGUMENT' });
    const { iamToken, expiresAt } = issueTokenTo({ tokenKey }, account);
    const late = { ...here, now: () => expiresAt };
    assert.deepEqual(await revokeToken(late, { iamToken }), { subjectId: account.id });
    assert.deepEqual(await db.read.selectFrom('revoked_tokens').selectAll().execute(), []);
  });
});
