import type { Selectable } from 'kysely';
import type { Queryable, Transaction } from '../db/database.ts';
import type { BucketsTable } from '../db/schema.ts';
import type { Bucket } from './bucket.ts';

export async function insertBucket(tx: Transaction, bucket: Bucket): Promise<void> {
  const row: Selectable<BucketsTable> = {
    name: bucket.name,
    folder_id: bucket.folderId,
    created_at: bucket.createdAt.getTime(),
    location: bucket.location,
    storage_class: bucket.storageClass,
  };
  await tx.insertInto('buckets').values(row).execute();
}

export async function findBucket(db: Queryable, name: string): Promise<Bucket | undefined> {
  const row = await db.selectFrom('buckets').selectAll().where('name', '=', name).executeTakeFirst();
  return row === undefined ? undefined : toBucket(row);
}

/** The bucket, held until the transaction ends: an update that changes nothing locks its row in every database. */
export async function lockBucket(tx: Transaction, name: string): Promise<Bucket | undefined> {
  const row = await tx
    .updateTable('buckets')
    .set((values) => ({ location: values.ref('location') }))
    .where('name', '=', name)
    .returningAll()
    .executeTakeFirst();
  return row === undefined ? undefined : toBucket(row);
}

/** All of a folder, by name: never more than it may have. */
export async function listBucketRows(db: Queryable, folderId: string): Promise<Bucket[]> {
  const rows = await db.selectFrom('buckets').selectAll().where('folder_id', '=', folderId).orderBy('name').execute();
  return rows.map(toBucket);
}

export async function countBuckets(tx: Transaction, folderId: string): Promise<number> {
  const { buckets } = await tx
    .selectFrom('buckets')
    .select((row) => row.fn.countAll<number | string>().as('buckets'))
    .where('folder_id', '=', folderId)
    .executeTakeFirstOrThrow();
  return Number(buckets);
}

export async function deleteBucketRow(tx: Transaction, name: string): Promise<void> {
  await tx.deleteFrom('buckets').where('name', '=', name).execute();
}

function toBucket(row: Selectable<BucketsTable>): Bucket {
  return {
    name: row.name,
    folderId: row.folder_id,
    createdAt: new Date(row.created_at),
    location: row.location,
    storageClass: row.storage_class,
  };
}
