import { type Kysely, sql } from 'kysely';
import type { DialectName } from '../database.ts';
import { textType } from './text-type.ts';

/**
 * What images, disks and snapshots keep for clients besides their content, and what operations keep of the resource that
 * they are on: a Delete's must still name what it deleted.
 */
export async function addFacts<S>(db: Kysely<S>, dialect: DialectName): Promise<void> {
  const text = textType(dialect);
  for (const table of ['images', 'disks', 'snapshots']) {
    await db.schema
      .alterTable(table)
      .addColumn('guest', text, (c) => c.notNull().defaultTo('{}'))
      .execute();
    await db.schema.alterTable(table).addColumn('origin', text).execute();
  }
  for (const table of ['images', 'snapshots']) {
    await db.schema
      .alterTable(table)
      .addColumn('storage_locations', text, (c) => c.notNull().defaultTo('[]'))
      .execute();
  }
  await addDeprecation(db, dialect);
  await db.schema
    .createTable('image_initial_states')
    .addColumn('image_id', text, (c) => c.primaryKey().notNull().references('images.id').onDelete('cascade'))
    .addColumn('state', text, (c) => c.notNull())
    .execute();
  await nameWhatOperationsAreOn(db, dialect);
}

/** Families are looked up among the images that are not deprecated: the index holds no others. */
async function addDeprecation<S>(db: Kysely<S>, dialect: DialectName): Promise<void> {
  await db.schema.alterTable('images').addColumn('deprecation', textType(dialect)).execute();
  await db.schema
    .alterTable('images')
    .addColumn('deprecation_state', textType(dialect), (c) => c.notNull().defaultTo(''))
    .execute();
  await db.schema.dropIndex('images_by_family').execute();
  await sql`create index images_by_family on images (folder_id, family, created_at, id)
    where family <> '' and deprecation_state in ('', 'ACTIVE')`.execute(db);
}

async function nameWhatOperationsAreOn<S>(db: Kysely<S>, dialect: DialectName): Promise<void> {
  for (const column of ['resource_name', 'zone_id']) {
    await db.schema
      .alterTable('operations')
      .addColumn(column, textType(dialect), (c) => c.notNull().defaultTo(''))
      .execute();
  }
  for (const [table, zone] of [
    ['images', sql`''`],
    ['snapshots', sql`''`],
    ['disks', sql`disks.zone_id`],
  ] as const) {
    const of = (column: string) => sql.ref(`${table}.${column}`);
    await sql`
      update operations
      set resource_name = case when ${of('name')} = '' then ${of('id')} else ${of('name')} end, zone_id = ${zone}
      from ${sql.table(table)} where ${of('id')} = operations.resource_id`.execute(db);
  }
  // What is gone is known by its id alone.
  await sql`update operations set resource_name = resource_id
    where resource_name = '' and (kind like 'image.%' or kind like 'disk.%' or kind like 'snapshot.%')`.execute(db);
  await db.schema
    .createIndex('operations_by_folder')
    .on('operations')
    .columns(['folder_id', 'created_at', 'id'])
    .execute();
  await db.schema
    .createIndex('operations_by_zone')
    .on('operations')
    .columns(['folder_id', 'zone_id', 'created_at', 'id'])
    .execute();
}
