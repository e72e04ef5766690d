import { type ExpressionBuilder, sql } from 'kysely';
import type { Queryable, Transaction } from '../db/database.ts';
import type { Schema } from '../db/schema.ts';
import { isQuotaName, maxQuota, type Quota, type QuotaName, quotaNames } from './quota.ts';

/** From now on these are the limits of clouds that have none of their own. */
export async function replaceQuotaDefaults(tx: Transaction, limits: ReadonlyMap<QuotaName, number>): Promise<void> {
  await tx.deleteFrom('quota_defaults').execute();
  const rows = [...limits].map(([name, value]) => ({ name, value }));
  if (rows.length > 0) await tx.insertInto('quota_defaults').values(rows).execute();
}

/** Gives the cloud a limit of its own. May be repeated. */
export async function upsertQuotaLimit(
  tx: Transaction,
  { cloudId, name, limit }: Pick<Quota, 'cloudId' | 'name' | 'limit'>,
): Promise<void> {
  await tx
    .insertInto('quota_limits')
    .values({ cloud_id: cloudId, name, value: limit })
    .onConflict((conflict) => conflict.columns(['cloud_id', 'name']).doUpdateSet({ value: limit }))
    .execute();
}

/** From now on the default is the cloud's limit. May be repeated. */
export async function deleteQuotaLimit(
  tx: Transaction,
  { cloudId, name }: Pick<Quota, 'cloudId' | 'name'>,
): Promise<void> {
  await tx.deleteFrom('quota_limits').where('cloud_id', '=', cloudId).where('name', '=', name).execute();
}

/** Every quota of the cloud, or those named. What no limit is known of has the highest. */
export async function findQuotas(
  db: Queryable,
  cloudId: string,
  names: readonly QuotaName[] = quotaNames,
): Promise<Quota[]> {
  const rows = await db
    .selectFrom('quota_defaults')
    .select(['name', sql.lit('default').as('what'), 'value'])
    .where('name', 'in', names)
    .unionAll(
      db
        .selectFrom('quota_limits')
        .select(['name', sql.lit('limit').as('what'), 'value'])
        .where('cloud_id', '=', cloudId)
        .where('name', 'in', names),
    )
    .unionAll(
      db
        .selectFrom('quota_usage')
        .select(['name', sql.lit('used').as('what'), 'used as value'])
        .where('cloud_id', '=', cloudId)
        .where('name', 'in', names),
    )
    .execute();
  const found = new Map(rows.map(({ name, what, value }) => [`${what} ${name}`, value]));
  return names.map((name) => {
    const defaultLimit = found.get(`default ${name}`) ?? maxQuota;
    const used = found.get(`used ${name}`) ?? 0;
    return { cloudId, name, limit: found.get(`limit ${name}`) ?? defaultLimit, defaultLimit, used };
  });
}

/** What is used, by the rows that are counted and not by the counts. */
export interface CountedUsage {
  readonly cloudId: string;
  readonly name: QuotaName;
  /** By the rows. */
  readonly counted: number;
  /** By the count. */
  readonly used: number;
}

/** Usage whose count is not what the rows come to, in one statement: empty unless something is broken. Reads everything. */
export async function findMiscounted(db: Queryable): Promise<CountedUsage[]> {
  const rows = await db
    .selectFrom(recounted(db).unionAll(keptCounts(db)).as('compared'))
    .select(['compared.cloud_id', 'compared.name'])
    .select(sql<number>`cast(sum(compared.counted) as bigint)`.as('counted'))
    .select(sql<number>`cast(sum(compared.used) as bigint)`.as('used'))
    .groupBy(['compared.cloud_id', 'compared.name'])
    .having(sql<boolean>`sum(compared.counted) <> sum(compared.used)`)
    .execute();
  return rows.flatMap(({ cloud_id: cloudId, name, counted, used }) =>
    isQuotaName(name) ? [{ cloudId, name, counted, used }] : [],
  );
}

/** Counts everything anew. For who has the database alone. */
export async function recountUsage(tx: Transaction): Promise<void> {
  for (const { cloudId, name, counted } of await findMiscounted(tx)) {
    await tx
      .insertInto('quota_usage')
      .values({ cloud_id: cloudId, name, used: counted })
      .onConflict((conflict) => conflict.columns(['cloud_id', 'name']).doUpdateSet({ used: counted }))
      .execute();
  }
}

/** One row for each thing and each quota that it counts under; the triggers of the migrations say the same row by row. */
function recounted(db: Queryable) {
  const none = sql<number>`0`.as('used');
  const one = sql<number>`1`.as('counted');
  const images = db
    .selectFrom('images')
    .innerJoin('folders', 'folders.id', 'images.folder_id')
    .select('folders.cloud_id');
  const disks = db.selectFrom('disks').innerJoin('folders', 'folders.id', 'disks.folder_id').select('folders.cloud_id');
  const snapshots = db
    .selectFrom('snapshots')
    .innerJoin('folders', 'folders.id', 'snapshots.folder_id')
    .select('folders.cloud_id');
  const operations = db
    .selectFrom('operations')
    .innerJoin('folders', 'folders.id', 'operations.folder_id')
    .select('folders.cloud_id')
    .where('operations.state', '<>', 'done')
    .where('operations.kind', 'not like', 'store.%');
  const accounts = db
    .selectFrom('service_accounts')
    .innerJoin('folders', 'folders.id', 'service_accounts.folder_id')
    .select('folders.cloud_id');
  const keys = accounts.innerJoin(
    'service_account_keys',
    'service_account_keys.service_account_id',
    'service_accounts.id',
  );
  const accessKeys = accounts.innerJoin('access_keys', 'access_keys.service_account_id', 'service_accounts.id');
  const attachments = db
    .selectFrom('attachments')
    .innerJoin('folders', 'folders.id', 'attachments.folder_id')
    .select('folders.cloud_id');
  const named = (name: QuotaName) => sql<string>`${sql.lit(name)}`.as('name');
  return images
    .select([named('compute.images.count'), one, none])
    .unionAll(images.select([named('compute.images.size'), 'images.storage_size as counted', none]))
    .unionAll(images.select([named('compute.diskPools.count'), 'images.pooled as counted', none]))
    .unionAll(disks.select([named('compute.disks.count'), one, none]))
    .unionAll(disks.select((disk) => [diskSizeQuota(disk).as('name'), 'disks.size as counted', none]))
    .unionAll(snapshots.select([named('compute.snapshots.count'), one, none]))
    .unionAll(snapshots.select([named('compute.snapshots.size'), 'snapshots.storage_size as counted', none]))
    .unionAll(operations.select([named('compute.operations.count'), one, none]))
    .unionAll(attachments.select([named('compute.attachments.count'), one, none]))
    .unionAll(db.selectFrom('folders').select(['cloud_id', named('resource-manager.folders.count'), one, none]))
    .unionAll(accounts.select([named('iam.serviceAccounts.count'), one, none]))
    .unionAll(keys.select([named('iam.authorizedKeys.count'), one, none]))
    .unionAll(accessKeys.select([named('iam.accessKeys.count'), one, none]));
}

function diskSizeQuota(disk: ExpressionBuilder<Schema, 'disks' | 'folders'>) {
  return disk
    .case('disks.type_id')
    .when('network-ssd')
    .then('compute.ssdDisks.size')
    .when('network-ssd-nonreplicated')
    .then('compute.ssdNonReplicatedDisks.size')
    .when('network-ssd-io-m3')
    .then('compute.ssdIOM3Disks.size')
    .else('compute.hddDisks.size')
    .end();
}

/** The counts, in the same shape. */
function keptCounts(db: Queryable) {
  return db.selectFrom('quota_usage').select(['cloud_id', 'name', sql<number>`0`.as('counted'), 'used']);
}
