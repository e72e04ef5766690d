import { randomBytes } from 'node:crypto';
import { accessKeySecret } from '../access/access-key-secret.ts';
import type { TokenKey } from '../access/token-key.ts';
import type { Database } from '../db/database.ts';
import { notFound, resourceExhausted } from '../errors.ts';
import { newId } from '../lib/ids.ts';
import { assertWithinQuotas } from '../quotas/check-quotas.ts';
import type { AccessKey } from './access-key.ts';
import { countAccessKeys, insertAccessKey } from './access-key-rows.ts';
import { type Administrator, assertMayUse } from './administrator.ts';
import { lockAccount } from './service-account-rows.ts';

export interface CreateAccessKeyDeps {
  readonly db: Database;
  readonly tokenKey: Pick<TokenKey, 'privateKey'>;
  readonly administrator: Administrator;
}

export type CreateAccessKey = Pick<AccessKey, 'serviceAccountId' | 'description'>;

/** More than anybody rotates through. */
const keysPerAccount = 100;

/**
 * Makes an access key for a service account. The secret is told in the answer alone. Throws NOT_FOUND for the account,
 * RESOURCE_EXHAUSTED when it or its cloud has too many.
 */
export async function createAccessKey(
  { db, tokenKey, administrator }: CreateAccessKeyDeps,
  request: CreateAccessKey,
  { subjectId }: { readonly subjectId: string },
): Promise<{ accessKey: AccessKey; secret: string }> {
  const { serviceAccountId } = request;
  assertMayUse(administrator, { serviceAccountId, subjectId });
  const keyId = newKeyId();
  const accessKey = await db.transact(async (tx) => {
    const account = await lockAccount(tx, serviceAccountId);
    if (account === undefined) throw notFound('Service account', serviceAccountId);
    if ((await countAccessKeys(tx, serviceAccountId)) >= keysPerAccount) {
      const message = `A service account has ${keysPerAccount} access keys at most: delete some`;
      throw resourceExhausted('TOO_MANY_KEYS', message);
    }
    const made = { ...request, id: newId('aje'), keyId, folderId: account.folderId, createdAt: new Date() };
    await insertAccessKey(tx, made);
    await assertWithinQuotas(tx, made.folderId, { 'iam.accessKeys.count': 1 });
    return made;
  });
  return { accessKey, secret: accessKeySecret(tokenKey, keyId) };
}

/** In the form that the public service gives them: 25 characters that need no escaping in a URL. */
function newKeyId(): string {
  return `YCAJE${randomBytes(15).toString('base64url')}`;
}
