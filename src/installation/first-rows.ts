import type { Transaction } from '../db/database.ts';
import { newId } from '../lib/ids.ts';
import type { AdminKey } from './admin-key.ts';

/** What an installation begins with: a cloud, a folder in it, and in that a service account, the
 * administrator. */
export interface FirstResources {
  readonly cloudId: string;
  readonly folderId: string;
  readonly administratorId: string;
}

/** Names in `settings`. They are written in the transaction that makes what they name. */
const settingNames = {
  cloudId: 'first_cloud_id',
  folderId: 'first_folder_id',
  administratorId: 'administrator_id',
} as const;

/** Makes the first cloud, folder and service account, or finds the ones that were made. */
export async function ensureFirstResources(
  tx: Transaction,
  now: Date,
  earlier: EarlierInstallation = { cloudId: undefined, administratorId: undefined },
): Promise<FirstResources> {
  return (await findFirstResources(tx)) ?? (await insertFirstResources(tx, now.getTime(), earlier));
}

/** What is known of an installation whose rows were lost: by the same ids its content and its keys stay good. */
export interface EarlierInstallation {
  readonly cloudId: string | undefined;
  readonly administratorId: string | undefined;
}

async function findFirstResources(tx: Transaction): Promise<FirstResources | undefined> {
  const rows = await tx.selectFrom('settings').selectAll().where('name', 'in', Object.values(settingNames)).execute();
  const values = new Map(rows.map(({ name, value }) => [name, value]));
  const cloudId = values.get(settingNames.cloudId);
  const folderId = values.get(settingNames.folderId);
  const administratorId = values.get(settingNames.administratorId);
  if (cloudId === undefined || folderId === undefined || administratorId === undefined) return undefined;
  return { cloudId, folderId, administratorId };
}

async function insertFirstResources(
  tx: Transaction,
  createdAt: number,
  { cloudId = newId('b1g'), administratorId = newId('aje') }: EarlierInstallation,
): Promise<FirstResources> {
  const made = { cloudId, folderId: newId('b1g'), administratorId };
  // First, and so: whoever starts on the same database at the same moment conflicts here, runs again, and finds ours.
  await tx
    .insertInto('settings')
    .values([
      { name: settingNames.cloudId, value: made.cloudId },
      { name: settingNames.folderId, value: made.folderId },
      { name: settingNames.administratorId, value: made.administratorId },
    ])
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute();
  const plain = { description: '', labels: '{}', created_at: createdAt };
  await tx
    .insertInto('clouds')
    .values({ ...plain, id: made.cloudId, name: 'default', organization_id: '' })
    .execute();
  await tx
    .insertInto('folders')
    .values({ ...plain, id: made.folderId, cloud_id: made.cloudId, name: 'default', status: 'ACTIVE' })
    .execute();
  await tx
    .insertInto('service_accounts')
    .values({ id: made.administratorId, folder_id: made.folderId, name: 'admin', created_at: createdAt })
    .execute();
  return made;
}

/** Makes an authorized key known by its public half; one that is known stays as it is. */
export async function ensureAuthorizedKey(tx: Transaction, key: AdminKey): Promise<void> {
  await tx
    .insertInto('service_account_keys')
    .values({
      id: key.id,
      service_account_id: key.serviceAccountId,
      algorithm: 'RSA_2048',
      public_key_pem: key.publicKeyPem,
      created_at: key.createdAt.getTime(),
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute();
}
