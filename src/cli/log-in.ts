import { createPrivateKey, type KeyObject } from 'node:crypto';
import {
  type CreateIamTokenRequest,
  type CreateIamTokenResponse,
  IamTokenService,
} from '../gen/yandex/cloud/iam/v1/iam_token_service_pb.ts';
import { readFileIfThere } from '../lib/read-file-if-there.ts';
import { ApiClient } from './api-client.ts';
import { CliFailed } from './cli-failed.ts';
import type { Credentials, FoundServer, ServerAddress, ServerPlace } from './find-server.ts';

/** What every server of this API takes for its own address. */
const audience = 'https://iam.api.cloud.yandex.net/iam/v1/tokens';
/** Long enough for clocks that differ, short enough to be of no use to whoever finds it. */
const jwtLife = '5m';

/** What every client of this API takes for a token of it; any other is an OAuth token, which is exchanged for one. */
const iamToken = /^t1\.[^.]+\.[^.]+$/;

/** A server with a token for it: the one that is given, or one for what is given, or one of another service account. */
export async function logIn(
  { credentials, ...place }: FoundServer,
  { impersonateServiceAccountId }: { readonly impersonateServiceAccountId?: string },
  signal: AbortSignal,
): Promise<ServerAddress> {
  const token = await tokenFor(place, credentials, signal);
  if (impersonateServiceAccountId === undefined) return { ...place, token };
  using api = new ApiClient({ ...place, token });
  const request = { serviceAccountId: impersonateServiceAccountId };
  const impersonated = await api.call(IamTokenService.method.createForServiceAccount, request, { signal });
  return { ...place, token: impersonated.iamToken };
}

async function tokenFor(place: ServerPlace, { token, keyPath }: Credentials, signal: AbortSignal): Promise<string> {
  if (token === undefined) return (await exchangeKey(place, keyPath, signal)).iamToken;
  if (iamToken.test(token)) return token;
  return (await exchange(place, { case: 'yandexPassportOauthToken', value: token }, signal)).iamToken;
}

/** A token for the service account whose key is in a file. Throws CliFailed for the file, ApiFailed for what the server says. */
export async function exchangeKey(
  place: ServerPlace,
  keyPath: string,
  signal: AbortSignal,
): Promise<CreateIamTokenResponse> {
  return await exchange(place, { case: 'jwt', value: await signJwt(await readKeyFile(keyPath)) }, signal);
}

async function exchange(
  place: ServerPlace,
  identity: CreateIamTokenRequest['identity'],
  signal: AbortSignal,
): Promise<CreateIamTokenResponse> {
  using api = new ApiClient(place);
  return await api.call(IamTokenService.method.create, { identity }, { signal });
}

interface AuthorizedKey {
  readonly id: string;
  readonly serviceAccountId: string;
  readonly privateKey: KeyObject;
}

async function signJwt({ id, serviceAccountId, privateKey }: AuthorizedKey): Promise<string> {
  const { SignJWT } = await import('jose'); // 20 ms that other commands need not wait for
  return await new SignJWT()
    .setProtectedHeader({ alg: 'PS256', typ: 'JWT', kid: id })
    .setIssuer(serviceAccountId)
    .setAudience(audience)
    .setIssuedAt()
    .setExpirationTime(jwtLife)
    .sign(privateKey);
}

/** The JSON that `iam key create --output` writes. Its values are never shown: one of them is the private key. */
async function readKeyFile(path: string): Promise<AuthorizedKey> {
  const text = await readFileIfThere(path);
  if (text === undefined) throw new CliFailed(`there is no key file ${path}.`);
  const notKey = new CliFailed(
    `${path} is not the key file of a service account, as "iam key create --output" writes it.`,
  );
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) throw notKey;
    const { id, service_account_id: serviceAccountId, private_key: pem }: Record<string, unknown> = { ...value };
    if (typeof id !== 'string' || typeof serviceAccountId !== 'string' || typeof pem !== 'string') throw notKey;
    return { id, serviceAccountId, privateKey: createPrivateKey(pem.slice(Math.max(0, pem.indexOf('-----BEGIN')))) };
  } catch {
    throw notKey;
  }
}
