import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto';
import test, { after, before } from 'node:test';
import { SignJWT, UnsecuredJWT } from 'jose';
import { eachDatabase } from '../../test/fixtures/databases.ts';
import type { Database } from '../db/database.ts';
import { authenticate } from './authenticate.ts';
import { issueToken } from './issue-token.ts';
import type { Subject } from './subject.ts';
import { checkToken, signToken } from './token.ts';
import { createTokenKeyPem, readTokenKey } from './token-key.ts';
import { Users } from './users.ts';

const tokenKey = readTokenKey(createTokenKeyPem());
const liveTokens = { isLive: async () => true };
// No JWT is among what these tests show.
const selfSigned = { check: () => assert.fail('this was no JWT') };
const ours = { tokenKey, liveTokens, selfSigned };
const account = { id: 'ajeaccount0000000000', keyId: 'ajekey00000000000000' };
const subject: Subject = { id: account.id, kind: 'serviceAccount' };
const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
const publicAddress = 'https://iam.api.cloud.yandex.net/iam/v1/tokens';
const present = new Date('2026-01-02T03:04:05Z');
const now = () => present;
const seconds = present.getTime() / 1000;

eachDatabase(({ open }) => {
  let db: Database;
  before(async () => {
    db = await open();
    const common = { description: '', labels: '{}', created_at: 0 };
    await db.transact(async (tx) => {
      await tx
        .insertInto('clouds')
        .values({ ...common, id: 'c', name: 'c', organization_id: '' })
        .execute();
      const home = { ...common, id: 'f', cloud_id: 'c', name: 'f', status: 'ACTIVE' } as const;
      await tx.insertInto('folders').values(home).execute();
      const row = { id: account.id, folder_id: 'f', name: 'admin', created_at: 0 };
      await tx.insertInto('service_accounts').values(row).execute();
      const pem = keys.publicKey.export({ type: 'spki', format: 'pem' }).toString();
      const about = { id: account.keyId, service_account_id: account.id, algorithm: 'RSA_2048', created_at: 0 };
      await tx
        .insertInto('service_account_keys')
        .values({ ...about, public_key_pem: pem })
        .execute();
    });
  });

  after(() => db[Symbol.asyncDispose]());

  /** What an SDK sends, but for `changes`. */
  function makeJwt(
    changes: Readonly<Record<string, unknown>> = {},
    header: { alg?: string; kid?: unknown } = {},
    key: KeyObject = keys.privateKey,
  ): Promise<string> {
    return new SignJWT({ iss: account.id, aud: publicAddress, iat: seconds, exp: seconds + 3600, ...changes })
      .setProtectedHeader({ alg: 'PS256', typ: 'JWT', kid: account.keyId, ...header } as { alg: string })
      .sign(key);
  }

  /** A JWT whose header says `alg`, signed by hand: no library would. */
  function forge(alg: string, payload: object, sign: (signed: string) => string): string {
    const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
    const signed = `${encode({ alg, typ: 'JWT', kid: account.keyId })}.${encode(payload)}`;
    return `${signed}.${sign(signed)}`;
  }
  const makeUnsigned = (payload: object) => forge('none', payload, () => '');
  const makeHmac = (payload: object) => {
    const secret = keys.publicKey.export({ type: 'spki', format: 'pem' });
    return forge('HS256', payload, (signed) => createHmac('sha256', secret).update(signed).digest('base64url'));
  };

  const users = new Users([]);
  const isOurHost = (host: string) => ['localhost', '127.0.0.1', '::1'].includes(host);
  const issue = (jwt: string) => issueToken({ db, tokenKey, users, isOurHost, now }, { jwt });

  test('gives a token of the public shape for a JWT, and knows its subject again until it ends', async () => {
    const { iamToken, expiresAt } = await issue(await makeJwt());
    assert.match(iamToken, /^t1\.[A-Z0-9a-z_-]+[=]{0,2}\.[A-Z0-9a-z_-]{86}[=]{0,2}$/);
    assert.equal(expiresAt.getTime(), present.getTime() + 12 * 3_600_000);
    for (const header of [`Bearer ${iamToken}`, `bearer  ${iamToken}`, ` Bearer ${iamToken} `]) {
      assert.deepEqual(await authenticate({ ...ours, now }, header), subject);
    }
    const later = { ...ours, now: () => expiresAt };
    await assert.rejects(authenticate(later, `Bearer ${iamToken}`), {
      code: 'UNAUTHENTICATED',
      message: 'The token has expired',
    });
  });

  test('takes the audiences that the SDKs write', async () => {
    const own = 'https://iam.localhost:8443/iam/v1/tokens';
    const kazakhstan = 'https://iam.api.yandexcloud.kz/iam/v1/tokens';
    const ours = [own, ['https://elsewhere.example', own], [17, own], 'https://localhost/iam/v1/tokens'];
    // Python's, which puts `iam.` before any endpoint that it is given.
    const addresses = ['iam.127.0.0.1:8443', 'iam.127.0.0.1', 'iam.[::1]:8443', 'IAM.LOCALHOST:8443', 'iam.localhost'];
    const python = addresses.map((address) => `https://${address}/iam/v1/tokens`);
    for (const aud of [publicAddress, [publicAddress], kazakhstan, ...ours, ...python]) {
      await issue(await makeJwt({ aud }));
    }
  });

  test('refuses a JWT that is not right, and says what is wrong', async () => {
    const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const payload = { iss: account.id, aud: publicAddress, iat: seconds, exp: seconds + 60 };
    const cases: [string, string | Promise<string>, RegExp][] = [
      ['empty', '', /not a JWT/],
      ['no JWT', 'a.b.c', /not a JWT/],
      ['huge', 'a'.repeat(10_000), /longer than/],
      ['unsigned', new UnsecuredJWT(payload).encode(), /no kid/],
      ['another algorithm', makeJwt({}, { alg: 'RS256' }), /not PS256/],
      ['no algorithm', makeUnsigned(payload), /not PS256/],
      ['the public key as a shared secret', makeHmac(payload), /not PS256/],
      ['no key id', makeJwt({}, { kid: undefined }), /no kid/],
      ['a key id that is no text', makeJwt({}, { kid: 17 }), /no kid/],
      ['a key that is unknown', makeJwt({}, { kid: 'ajeother000000000000' }), /unknown or its signature is wrong/],
      ['another key', makeJwt({}, {}, stranger), /unknown or its signature is wrong/],
      ['another issuer', makeJwt({ iss: 'ajesomeoneelse000000' }), /issuer/],
      ['another audience', makeJwt({ aud: 'https://example.com/' }), /audience/],
      ['no audience', makeJwt({ aud: [] }), /audience/],
      ['the audience of another service', makeJwt({ aud: 'https://elsewhere.example/iam/v1/tokens' }), /audience/],
      ['ours as the name of a user', makeJwt({ aud: 'https://localhost@elsewhere.example/iam/v1/tokens' }), /audience/],
      ['our name in another', makeJwt({ aud: 'https://localhost.example/iam/v1/tokens' }), /audience/],
      ['our name in a path', makeJwt({ aud: 'https://elsewhere.example/localhost/iam/v1/tokens' }), /audience/],
      ['another path of ours', makeJwt({ aud: 'https://localhost/iam/v1/token' }), /audience/],
      ['an audience that is no text', makeJwt({ aud: 17 }), /audience/],
      ['expired', makeJwt({ iat: seconds - 4000, exp: seconds - 400 }), /expired/],
      ['from the future', makeJwt({ iat: seconds + 300, exp: seconds + 600 }), /future/],
      ['too long a life', makeJwt({ exp: seconds + 3700 }), /more than an hour/],
      ['too long a life, dated on', makeJwt({ iat: seconds + 50, exp: seconds + 3700 }), /more than an hour/],
      ['no end', makeJwt({ exp: undefined }), /iat and exp/],
    ];
    for (const [name, jwt, message] of cases) {
      await assert.rejects(async () => issue(await jwt), { code: 'UNAUTHENTICATED', message }, name);
    }
  });

  test('forgives clocks that differ by less than a minute', async () => {
    await issue(await makeJwt({ iat: seconds + 50, exp: seconds + 50 + 3600 }));
    await issue(await makeJwt({ iat: seconds - 3650, exp: seconds - 50 }));
  });

  test('the administrator’s token does not end', async () => {
    const token = signToken(tokenKey, { kind: 'admin', subject, issuedAt: new Date(0) });
    assert.deepEqual(await authenticate(ours, `Bearer ${token}`), subject);
  });

  test('refuses every header without a token of ours', async () => {
    const missing = /IAM token or API key has to be passed in request/;
    await assert.rejects(authenticate(ours, undefined), {
      code: 'UNAUTHENTICATED',
      message: missing,
    });
    await assert.rejects(authenticate(ours, ' '), { code: 'UNAUTHENTICATED', message: missing });
    const token = signToken(tokenKey, { kind: 'admin', subject, issuedAt: present });
    const foreign = signToken(readTokenKey(createTokenKeyPem()), {
      kind: 'admin',
      subject,
      issuedAt: present,
    });
    const wrong = [token, `Basic ${token}`, 'Bearer', `Bearer ${token} x`, `Bearer ${foreign}`, 'Bearer t1.a.b'];
    wrong.push(`Bearer ${'t1.'.repeat(100_000)}`, `Bearer ${token.replace('t1.', 't1.e30')}`);
    for (const header of wrong) {
      await assert.rejects(authenticate(ours, header), {
        code: 'UNAUTHENTICATED',
        message: 'The token is invalid',
      });
    }
  });

  test('a token with any character changed is invalid', () => {
    const token = signToken(tokenKey, { kind: 'admin', subject, issuedAt: present });
    for (let at = 0; at < token.length - 1; at++) {
      const changed = `${token.slice(0, at)}${token[at] === 'x' ? 'y' : 'x'}${token.slice(at + 1)}`;
      assert.equal(checkToken(tokenKey, changed, present).state, 'invalid');
    }
  });
});
