import { type CreateTableBuilder, type Kysely, sql } from 'kysely';
import type { DialectName } from '../database.ts';
import { textType } from './text-type.ts';

/** Disks and snapshots. As with images, each order that a list can have is an index that ends in id. */
export async function createDiskTables(db: Kysely<unknown>, dialect: DialectName): Promise<void> {
  const text = textType(dialect);
  const keyed = <T extends string, C extends string>(table: CreateTableBuilder<T, C>): CreateTableBuilder<T, C> =>
    dialect === 'sqlite' ? table.modifyEnd(sql`without rowid`) : table;

  await db.schema
    .createTable('disks')
    .addColumn('id', text, (c) => c.primaryKey().notNull())
    .addColumn('folder_id', text, (c) => c.notNull().references('folders.id'))
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('name', text, (c) => c.notNull())
    .addColumn('description', text, (c) => c.notNull())
    .addColumn('labels', text, (c) => c.notNull())
    .addColumn('type_id', text, (c) => c.notNull())
    .addColumn('zone_id', text, (c) => c.notNull())
    .addColumn('size', 'bigint', (c) => c.notNull())
    .addColumn('block_size', 'integer', (c) => c.notNull())
    .addColumn('product_ids', text, (c) => c.notNull())
    .addColumn('status', text, (c) => c.notNull())
    .addColumn('source_image_id', text, (c) => c.notNull())
    .addColumn('source_snapshot_id', text, (c) => c.notNull())
    .addColumn('os', text)
    .addColumn('hardware_generation', text, (c) => c.notNull())
    .addColumn('placement_policy', text, (c) => c.notNull())
    .addColumn('volume_id', text)
    .addColumn('volume_size', 'bigint', (c) => c.notNull())
    .addColumn('volume_digest', text, (c) => c.notNull())
    .execute();

  await db.schema
    .createTable('snapshots')
    .addColumn('id', text, (c) => c.primaryKey().notNull())
    .addColumn('folder_id', text, (c) => c.notNull().references('folders.id'))
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('name', text, (c) => c.notNull())
    .addColumn('description', text, (c) => c.notNull())
    .addColumn('labels', text, (c) => c.notNull())
    .addColumn('storage_size', 'bigint', (c) => c.notNull())
    .addColumn('disk_size', 'bigint', (c) => c.notNull())
    .addColumn('product_ids', text, (c) => c.notNull())
    .addColumn('status', text, (c) => c.notNull())
    .addColumn('source_disk_id', text, (c) => c.notNull())
    .addColumn('hardware_generation', text, (c) => c.notNull())
    .addColumn('volume_id', text)
    .addColumn('guest_digest', text, (c) => c.notNull())
    .execute();

  for (const table of ['disks', 'snapshots']) {
    await db.schema.createIndex(`${table}_by_id`).on(table).columns(['folder_id', 'id']).execute();
    await db.schema.createIndex(`${table}_by_name`).on(table).columns(['folder_id', 'name', 'id']).execute();
    await db.schema.createIndex(`${table}_by_age`).on(table).columns(['folder_id', 'created_at', 'id']).execute();
    const unique = sql`create unique index ${sql.ref(`${table}_name`)} on ${sql.table(table)} (folder_id, name)`;
    await sql`${unique} where name <> ''`.execute(db);
  }

  for (const [table, owner, of] of [
    ['disk_labels', 'disk_id', 'disks.id'],
    ['snapshot_labels', 'snapshot_id', 'snapshots.id'],
  ] as const) {
    await keyed(
      db.schema
        .createTable(table)
        .addColumn(owner, text, (c) => c.notNull().references(of).onDelete('cascade'))
        .addColumn('key', text, (c) => c.notNull())
        .addColumn('value', text, (c) => c.notNull())
        .addPrimaryKeyConstraint(`${table}_key`, [owner, 'key']),
    ).execute();
    await db.schema.createIndex(`${table}_by_value`).on(table).columns(['key', 'value', owner]).execute();
  }
}
