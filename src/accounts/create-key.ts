import type { Database, Queryable } from '../db/database.ts';
import { notFound, resourceExhausted } from '../errors.ts';
import { findFolder } from '../folders/folder-rows.ts';
import { newId } from '../lib/ids.ts';
import { assertWithinQuotas } from '../quotas/check-quotas.ts';
import { type Administrator, assertMayUse } from './administrator.ts';
import type { Key, KeyAlgorithm } from './key.ts';
import type { KeyPairs } from './key-pairs.ts';
import { countKeys, insertKey } from './key-rows.ts';
import { findAccount, lockAccount } from './service-account-rows.ts';

export interface CreateKeyDeps {
  readonly db: Database;
  readonly keyPairs: Pick<KeyPairs, 'generate'>;
  readonly administrator: Administrator;
}

export interface CreateKey {
  readonly serviceAccountId: string;
  readonly description: string;
  readonly algorithm: KeyAlgorithm;
}

/** More than anybody rotates through. */
const keysPerAccount = 100;

/**
 * Makes a key pair for a service account. The private half (PKCS #8, PEM) is in the answer and nowhere else. Throws
 * NOT_FOUND for the account, RESOURCE_EXHAUSTED when it or its cloud has too many keys, or too many are being made in its cloud.
 */
export async function createKey(
  { db, keyPairs, administrator }: CreateKeyDeps,
  request: CreateKey,
  { subjectId }: { readonly subjectId: string },
): Promise<{ key: Key; privateKeyPem: string }> {
  const { serviceAccountId } = request;
  assertMayUse(administrator, { serviceAccountId, subjectId });
  const noAccount = () => notFound('Service account', serviceAccountId);
  // Before the work, which is much for somebody who mistyped an id.
  const found = await findAccount(db.read, serviceAccountId);
  if (found === undefined) throw noAccount();
  await assertRoom(db.read, serviceAccountId);
  const folder = await findFolder(db.read, found.folderId);
  if (folder === undefined) throw noAccount();
  const { publicKeyPem, privateKeyPem } = await keyPairs.generate(request.algorithm, folder.cloudId);
  const key = await db.transact(async (tx) => {
    const account = await lockAccount(tx, serviceAccountId);
    if (account === undefined) throw noAccount();
    await assertRoom(tx, serviceAccountId);
    const made: Key = { ...request, id: newId('aje'), folderId: account.folderId, createdAt: new Date(), publicKeyPem };
    await insertKey(tx, made);
    await assertWithinQuotas(tx, made.folderId, { 'iam.authorizedKeys.count': 1 });
    return made;
  });
  return { key, privateKeyPem };
}

async function assertRoom(db: Queryable, serviceAccountId: string): Promise<void> {
  if ((await countKeys(db, serviceAccountId)) < keysPerAccount) return;
  throw resourceExhausted('TOO_MANY_KEYS', `A service account has ${keysPerAccount} keys at most: delete some`);
}
