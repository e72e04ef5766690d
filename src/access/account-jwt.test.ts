import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import test from 'node:test';
import { SignJWT } from 'jose';
import { authenticate } from './authenticate.ts';
import type { AuthorizedKey } from './authorized-key-rows.ts';
import { checkGrant } from './check-grant.ts';
import { SelfSignedTokens } from './self-signed-tokens.ts';
import { createTokenKeyPem, readTokenKey } from './token-key.ts';

/** JWTs as Google's SDKs make them: exchanged for a token, or used as one. */

const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
const key: AuthorizedKey = {
  id: 'ajekey00000000000000',
  serviceAccountId: 'ajeaccount0000000000',
  publicKeyPem: pair.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  refusedUntil: undefined,
};
const email = `${key.serviceAccountId}@b1gfolder.iam.obraz.internal`;
const present = new Date('2026-01-02T03:04:05Z');
const seconds = present.getTime() / 1000;
const cloudPlatform = 'https://www.googleapis.com/auth/cloud-platform';
const publicTokens = 'https://oauth2.googleapis.com/token';
/** Good both ways. */
const fine = { aud: ['https://localhost/', 'https://localhost/token'] };

/** A process whose clock a test moves, and which counts the keys that it looked for. */
function startProcess() {
  const state = { now: present, lookedFor: 0, isLive: true };
  const deps = {
    findKey: async (id: string) => {
      state.lookedFor += 1;
      return id === key.id ? key : undefined;
    },
    isOurHost: (host: string) => ['localhost', '127.0.0.1', '::1', 'images.example'].includes(host),
    now: () => state.now,
  };
  const selfSigned = new SelfSignedTokens(deps);
  const tokenKey = readTokenKey(createTokenKeyPem());
  const liveTokens = { isLive: async () => state.isLive };
  return {
    state,
    exchange: (jwt: string) => checkGrant(deps, jwt),
    show: (jwt: string) => authenticate({ tokenKey, liveTokens, selfSigned }, `Bearer ${jwt}`),
  };
}

/** What an SDK sends, but for `changes`. */
function makeJwt(changes: Readonly<Record<string, unknown>>, header = {}, signer: KeyObject = pair.privateKey) {
  return new SignJWT({ iss: email, iat: seconds, exp: seconds + 3600, ...changes })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: key.id, ...header })
    .sign(signer);
}

test('takes as a token what each SDK makes', async () => {
  const made = {
    'Python and gcloud, with scopes': { sub: email, scope: `openid ${cloudPlatform}` },
    'Node, with scopes': { sub: email, scope: 'https://www.googleapis.com/auth/compute' },
    'Go, with scopes': { sub: email, aud: '', scope: cloudPlatform },
    'Python without scopes, told another endpoint': { sub: email, aud: 'https://compute.googleapis.com/' },
    'Node without scopes': { sub: email, aud: 'https://compute.obraz.internal/' },
    'the address of the service': { sub: email, aud: 'https://localhost:8443/' },
    'an address in digits': { sub: email, aud: 'https://[::1]:8443/compute/v1/' },
    'a domain of its own': { sub: email, aud: 'https://compute.images.example/' },
    'an id for the address': { iss: key.serviceAccountId, aud: 'https://localhost/' },
  };
  for (const [name, claims] of Object.entries(made)) {
    const subject = await startProcess().show(await makeJwt(claims));
    assert.deepEqual(subject, { id: key.serviceAccountId, kind: 'serviceAccount' }, name);
  }
});

test('refuses as a token what is for others, or for less than all', async () => {
  const readOnly = 'https://www.googleapis.com/auth/compute.readonly';
  const cases: [string, Readonly<Record<string, unknown>>, RegExp][] = [
    ['no audience and no scope', {}, /no audience, and none of these scopes/],
    ['a scope of another service', { scope: 'https://www.googleapis.com/auth/drive' }, /none of these scopes/],
    ['a scope for reading', { scope: readOnly }, /none of these scopes/],
    ['a scope that is no text', { scope: [cloudPlatform] }, /none of these scopes/],
    ['another service', { aud: 'https://elsewhere.example/', scope: cloudPlatform }, /no URL at a host/],
    ['another service of the public cloud', { aud: 'https://pubsub.googleapis.com/' }, /no URL at a host/],
    ['our name as a user', { aud: 'https://localhost@elsewhere.example/' }, /no URL at a host/],
    ['our name with a user', { aud: 'https://someone@localhost/' }, /no URL at a host/],
    ['our name in another', { aud: 'https://compute.obraz.internal.example/' }, /no URL at a host/],
    ['another part of our domain', { aud: 'https://pubsub.obraz.internal/' }, /no URL at a host/],
    ['no URL', { aud: 'localhost' }, /no URL at a host/],
    ['no text', { aud: [17] }, /no URL at a host/],
  ];
  for (const [name, claims, message] of cases) {
    const shown = makeJwt({ sub: email, ...claims });
    await assert.rejects(async () => startProcess().show(await shown), { code: 'UNAUTHENTICATED', message }, name);
  }
});

test('gives tokens for JWTs that are to be exchanged here', async () => {
  const audiences = [
    publicTokens,
    'https://localhost:8443/token',
    'http://127.0.0.1:8443/token',
    'https://oauth2.obraz.internal/token',
    ['https://elsewhere.example/token', 'https://images.example/token'],
  ];
  for (const aud of audiences) {
    assert.equal(await startProcess().exchange(await makeJwt({ aud, scope: cloudPlatform })), key);
  }
});

test('gives no token for a JWT that was made to be one', async () => {
  const audiences = [
    undefined,
    [],
    'https://localhost/',
    'https://localhost/compute/v1/',
    'https://compute.obraz.internal/',
  ];
  audiences.push('https://elsewhere.example/token', 'https://localhost/iam/v1/tokens', `${publicTokens}/`);
  for (const aud of audiences) {
    const refused = { code: 'UNAUTHENTICATED', message: /its audience is not/ };
    await assert.rejects(async () => startProcess().exchange(await makeJwt({ aud, scope: cloudPlatform })), refused);
  }
});

test('refuses either that is not right, and says what is wrong', async () => {
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const cases: [string, Promise<string>, RegExp][] = [
    ['the other algorithm', makeJwt(fine, { alg: 'PS256' }), /not RS256/],
    ['no key id', makeJwt(fine, { kid: undefined }), /no kid/],
    ['a key that is unknown', makeJwt(fine, { kid: 'ajeother' }), /unknown or its signature is wrong/],
    ['another key', makeJwt(fine, {}, stranger), /unknown or its signature is wrong/],
    ['another issuer', makeJwt({ ...fine, iss: 'ajeother@b1gfolder.iam.obraz.internal' }), /issuer/],
    ['an issuer that begins alike', makeJwt({ ...fine, iss: `${key.serviceAccountId}0@b1gfolder` }), /issuer/],
    ['no issuer', makeJwt({ ...fine, iss: undefined }), /issuer/],
    ['on behalf of another', makeJwt({ ...fine, sub: 'alice@example.com' }), /acts for nobody else/],
    ['expired', makeJwt({ ...fine, iat: seconds - 4000, exp: seconds - 400 }), /expired/],
    ['from the future', makeJwt({ ...fine, iat: seconds + 300, exp: seconds + 600 }), /future/],
    ['too long a life', makeJwt({ ...fine, exp: seconds + 3700 }), /more than an hour/],
    ['no end', makeJwt({ ...fine, exp: undefined }), /iat and exp/],
  ];
  for (const [name, jwt, message] of cases) {
    const refused = { code: 'UNAUTHENTICATED', message };
    await assert.rejects(async () => startProcess().exchange(await jwt), refused, name);
    await assert.rejects(async () => startProcess().show(await jwt), refused, name);
  }
});

test('asks for the key of a token once, and refuses the token when its time is over or its key is gone', async () => {
  const { state, show } = startProcess();
  const jwt = await makeJwt(fine);
  await show(jwt);
  state.now = new Date((seconds + 3600 + 59) * 1000);
  await show(jwt);
  assert.equal(state.lookedFor, 1);
  state.now = new Date((seconds + 3600 + 60) * 1000);
  await assert.rejects(show(jwt), { code: 'UNAUTHENTICATED', message: 'The token has expired' });
  state.now = present;
  state.isLive = false;
  await assert.rejects(show(jwt), { code: 'UNAUTHENTICATED', message: 'The token is invalid' });
});
