import type { Database, Transaction } from '../db/database.ts';
import { InstallationBroken } from '../installation/installation-broken.ts';
import { hasPacks } from '../installation/installation-id.ts';

/** Where the packs are: in the data directory, or in an S3 bucket. */
export type BlobPlace = 'directory' | 's3';

const settingName = 'blob_place';

/**
 * Before a service touches the store: the packs that the metadata knows are where it was told to look. In another place
 * every image would be lost, and what is imported would go where the next start does not look.
 *
 * @throws InstallationBroken
 */
export async function assertSamePlace(db: Database, place: BlobPlace): Promise<void> {
  const known = (await findPlace(db)) ?? ((await hasPacks(db)) ? 'directory' : undefined);
  if (known === undefined) {
    await db.transact((tx) => setPlace(tx, place));
    return;
  }
  if (known === place) return;
  throw new InstallationBroken(
    known === 's3'
      ? 'the packs of this installation are in an S3 bucket: say which, as before, with OBRAZ_BLOBS.'
      : 'the packs of this installation are in its data directory: start without OBRAZ_BLOBS, or with another data directory.',
  );
}

/** From now on the packs are looked for there. */
export async function setPlace(tx: Transaction, place: BlobPlace): Promise<void> {
  await tx.deleteFrom('settings').where('name', '=', settingName).execute();
  await tx.insertInto('settings').values({ name: settingName, value: place }).execute();
}

async function findPlace({ read }: Database): Promise<BlobPlace | undefined> {
  const row = await read.selectFrom('settings').select('value').where('name', '=', settingName).executeTakeFirst();
  if (row === undefined) return undefined;
  return row.value === 's3' ? 's3' : 'directory';
}
