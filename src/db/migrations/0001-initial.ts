import { type CreateTableBuilder, type Kysely, sql } from 'kysely';
import type { DialectName } from '../database.ts';
import { textType } from './text-type.ts';

/** The tables of schema.ts. What each is for stands there; here are the rules that the database keeps. */
export async function createInitialTables(db: Kysely<unknown>, dialect: DialectName): Promise<void> {
  const digest = dialect === 'sqlite' ? sql`blob` : sql`bytea`;
  const text = textType(dialect);
  // Rows found by their key alone live in the key's tree; PostgreSQL has no such choice.
  const keyed = <T extends string, C extends string>(table: CreateTableBuilder<T, C>): CreateTableBuilder<T, C> =>
    dialect === 'sqlite' ? table.modifyEnd(sql`without rowid`) : table;

  await keyed(
    db.schema
      .createTable('settings')
      .addColumn('name', text, (c) => c.primaryKey().notNull())
      .addColumn('value', text, (c) => c.notNull()),
  ).execute();

  await db.schema
    .createTable('clouds')
    .addColumn('id', text, (c) => c.primaryKey().notNull())
    .addColumn('name', text, (c) => c.notNull().unique())
    .addColumn('description', text, (c) => c.notNull())
    .addColumn('labels', text, (c) => c.notNull())
    .addColumn('organization_id', text, (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute();

  await db.schema
    .createTable('folders')
    .addColumn('id', text, (c) => c.primaryKey().notNull())
    .addColumn('cloud_id', text, (c) => c.notNull().references('clouds.id'))
    .addColumn('name', text, (c) => c.notNull())
    .addColumn('description', text, (c) => c.notNull())
    .addColumn('labels', text, (c) => c.notNull())
    .addColumn('status', text, (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addUniqueConstraint('folders_name', ['cloud_id', 'name'])
    .execute();

  await db.schema
    .createTable('service_accounts')
    .addColumn('id', text, (c) => c.primaryKey().notNull())
    .addColumn('folder_id', text, (c) => c.notNull().references('folders.id'))
    .addColumn('name', text, (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addUniqueConstraint('service_accounts_name', ['folder_id', 'name'])
    .execute();

  await db.schema
    .createTable('service_account_keys')
    .addColumn('id', text, (c) => c.primaryKey().notNull())
    .addColumn('service_account_id', text, (c) => c.notNull().references('service_accounts.id'))
    .addColumn('algorithm', text, (c) => c.notNull())
    .addColumn('public_key_pem', text, (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute();

  await db.schema
    .createTable('operations')
    .addColumn('id', text, (c) => c.primaryKey().notNull())
    .addColumn('kind', text, (c) => c.notNull())
    .addColumn('folder_id', text, (c) => c.notNull())
    .addColumn('resource_id', text, (c) => c.notNull())
    .addColumn('description', text, (c) => c.notNull())
    .addColumn('created_by', text, (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('modified_at', 'bigint', (c) => c.notNull())
    .addColumn('state', text, (c) => c.notNull())
    .addColumn('input', text, (c) => c.notNull())
    .addColumn('checkpoint', text)
    .addColumn('progress', text)
    .addColumn('error', text)
    .addColumn('result', text)
    .addColumn('lease_owner', text, (c) => c.notNull())
    .addColumn('lease_epoch', 'bigint', (c) => c.notNull())
    .addColumn('lease_expires_at', 'bigint', (c) => c.notNull())
    .addColumn('attempts', 'integer', (c) => c.notNull())
    .addColumn('run_after', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema
    .createIndex('operations_by_resource')
    .on('operations')
    .columns(['resource_id', 'created_at', 'id'])
    .execute();
  // Only what is not done is ever looked for by state: the index stays as small as the queue.
  await sql`create index operations_to_run on operations (run_after) where state <> 'done'`.execute(db);

  await sql`create index operations_done on operations (modified_at) where state = 'done'`.execute(db);

  await keyed(
    db.schema
      .createTable('idempotency_keys')
      .addColumn('subject_id', text, (c) => c.notNull())
      .addColumn('method', text, (c) => c.notNull())
      .addColumn('key', text, (c) => c.notNull())
      .addColumn('body_hash', text, (c) => c.notNull())
      .addColumn('operation_id', text, (c) => c.notNull())
      .addColumn('created_at', 'bigint', (c) => c.notNull())
      .addPrimaryKeyConstraint('idempotency_keys_key', ['subject_id', 'method', 'key', 'body_hash']),
  ).execute();

  await db.schema.createIndex('idempotency_keys_by_age').on('idempotency_keys').columns(['created_at']).execute();

  await db.schema
    .createTable('images')
    .addColumn('id', text, (c) => c.primaryKey().notNull())
    .addColumn('folder_id', text, (c) => c.notNull().references('folders.id'))
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('name', text, (c) => c.notNull())
    .addColumn('description', text, (c) => c.notNull())
    .addColumn('labels', text, (c) => c.notNull())
    .addColumn('family', text, (c) => c.notNull())
    .addColumn('storage_size', 'bigint', (c) => c.notNull())
    .addColumn('min_disk_size', 'bigint', (c) => c.notNull())
    .addColumn('size', 'bigint', (c) => c.notNull())
    .addColumn('product_ids', text, (c) => c.notNull())
    .addColumn('status', text, (c) => c.notNull())
    .addColumn('os', text, (c) => c.notNull())
    .addColumn('pooled', 'integer', (c) => c.notNull())
    .addColumn('hardware_generation', text, (c) => c.notNull())
    .addColumn('guest_digest', text, (c) => c.notNull())
    .addColumn('volume_id', text)
    .execute();
  // One index for each order a list can have, each ending in id, so that a page costs the same wherever it is.
  await db.schema.createIndex('images_by_id').on('images').columns(['folder_id', 'id']).execute();
  await db.schema.createIndex('images_by_name').on('images').columns(['folder_id', 'name', 'id']).execute();
  await db.schema.createIndex('images_by_age').on('images').columns(['folder_id', 'created_at', 'id']).execute();
  await sql`create unique index images_name on images (folder_id, name) where name <> ''`.execute(db);
  await sql`create index images_by_family on images (folder_id, family, created_at) where family <> ''`.execute(db);

  await keyed(
    db.schema
      .createTable('image_labels')
      .addColumn('image_id', text, (c) => c.notNull().references('images.id').onDelete('cascade'))
      .addColumn('key', text, (c) => c.notNull())
      .addColumn('value', text, (c) => c.notNull())
      .addPrimaryKeyConstraint('image_labels_key', ['image_id', 'key']),
  ).execute();
  await db.schema
    .createIndex('image_labels_by_value')
    .on('image_labels')
    .columns(['key', 'value', 'image_id'])
    .execute();

  await db.schema
    .createTable('packs')
    .addColumn('id', text, (c) => c.primaryKey().notNull())
    .addColumn('domain_id', text, (c) => c.notNull())
    .addColumn('state', text, (c) => c.notNull())
    .addColumn('size', 'bigint', (c) => c.notNull())
    .addColumn('operation_id', text, (c) => c.notNull())
    .addColumn('lease_epoch', 'bigint', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('was_sealed', 'integer', (c) => c.notNull())
    .addColumn('condemned_at', 'bigint')
    .execute();
  await db.schema.createIndex('packs_by_state').on('packs').columns(['state', 'id']).execute();

  await keyed(
    db.schema
      .createTable('chunks')
      .addColumn('domain_id', text, (c) => c.notNull())
      .addColumn('id', digest, (c) => c.notNull())
      .addColumn('kind', text, (c) => c.notNull())
      .addColumn('pack_id', text, (c) => c.notNull().references('packs.id'))
      .addColumn('pack_offset', 'bigint', (c) => c.notNull())
      .addColumn('encoded_length', 'integer', (c) => c.notNull())
      .addColumn('plain_length', 'integer', (c) => c.notNull())
      .addColumn('encoding', text, (c) => c.notNull())
      .addColumn('quarantined', 'integer', (c) => c.notNull())
      .addPrimaryKeyConstraint('chunks_key', ['domain_id', 'kind', 'id']),
  ).execute();
  await db.schema.createIndex('chunks_by_pack').on('chunks').columns(['pack_id']).execute();
  await sql`create index chunks_quarantined on chunks (domain_id, id) where quarantined = 1`.execute(db);

  await keyed(
    db.schema
      .createTable('pack_pins')
      .addColumn('operation_id', text, (c) => c.notNull())
      .addColumn('pack_id', text, (c) => c.notNull().references('packs.id'))
      .addPrimaryKeyConstraint('pack_pins_key', ['operation_id', 'pack_id']),
  ).execute();
  await db.schema.createIndex('pack_pins_by_pack').on('pack_pins').columns(['pack_id']).execute();

  await keyed(
    db.schema
      .createTable('segment_packs')
      .addColumn('domain_id', text, (c) => c.notNull())
      .addColumn('node_id', digest, (c) => c.notNull())
      .addColumn('pack_id', text, (c) => c.notNull().references('packs.id'))
      .addPrimaryKeyConstraint('segment_packs_key', ['domain_id', 'node_id', 'pack_id']),
  ).execute();
  await db.schema.createIndex('segment_packs_by_pack').on('segment_packs').columns(['pack_id']).execute();

  await keyed(
    db.schema
      .createTable('manifest_edges')
      .addColumn('domain_id', text, (c) => c.notNull())
      .addColumn('parent_id', digest, (c) => c.notNull())
      .addColumn('child_id', digest, (c) => c.notNull())
      .addPrimaryKeyConstraint('manifest_edges_key', ['domain_id', 'parent_id', 'child_id']),
  ).execute();

  await keyed(
    db.schema
      .createTable('import_segments')
      .addColumn('operation_id', text, (c) => c.notNull())
      .addColumn('segment_index', 'integer', (c) => c.notNull())
      .addColumn('done_bytes', 'bigint', (c) => c.notNull())
      .addColumn('extents', digest)
      .addColumn('node_id', digest)
      .addColumn('digest', digest)
      .addColumn('stored_bytes', 'bigint', (c) => c.notNull())
      .addPrimaryKeyConstraint('import_segments_key', ['operation_id', 'segment_index']),
  ).execute();

  await db.schema.createIndex('import_segments_by_node').on('import_segments').columns(['node_id']).execute();

  await db.schema
    .createTable('volumes')
    .addColumn('id', text, (c) => c.primaryKey().notNull())
    .addColumn('domain_id', text, (c) => c.notNull())
    .addColumn('size', 'bigint', (c) => c.notNull())
    .addColumn('root_id', digest, (c) => c.notNull())
    .addColumn('stored_bytes', 'bigint', (c) => c.notNull())
    .addColumn('guest_digest', digest, (c) => c.notNull())
    .addColumn('sha256', digest)
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addUniqueConstraint('volumes_root', ['domain_id', 'root_id'])
    .execute();

  await keyed(
    db.schema
      .createTable('volume_references')
      .addColumn('holder_id', text, (c) => c.primaryKey().notNull())
      .addColumn('volume_id', text, (c) => c.notNull().references('volumes.id')),
  ).execute();
  await db.schema.createIndex('volume_references_by_volume').on('volume_references').columns(['volume_id']).execute();
}
