import { type Kysely, sql } from 'kysely';
import type { DialectName } from '../database.ts';
import { textType } from './text-type.ts';

/** Who may use what as a block device, and which disks were ever used. */
export async function createAttachments(db: Kysely<unknown>, dialect: DialectName): Promise<void> {
  const text = textType(dialect);
  await db.schema
    .createTable('attachments')
    .addColumn('id', text, (c) => c.primaryKey().notNull())
    .addColumn('folder_id', text, (c) => c.notNull().references('folders.id'))
    .addColumn('kind', text, (c) => c.notNull())
    .addColumn('resource_id', text, (c) => c.notNull())
    .addColumn('mode', text, (c) => c.notNull())
    .addColumn('ticket_sha256', text, (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('created_by', text, (c) => c.notNull())
    .addColumn('expires_at', 'bigint')
    .execute();
  await db.schema.createIndex('attachments_by_id').on('attachments').columns(['folder_id', 'id']).execute();
  await db.schema.createIndex('attachments_by_resource').on('attachments').columns(['resource_id']).execute();
  await db.schema.createIndex('attachments_by_ticket').on('attachments').columns(['ticket_sha256']).unique().execute();
  const hasOverlay = db.schema.alterTable('disks').addColumn('has_overlay', 'integer', (c) => c.notNull().defaultTo(0));
  await hasOverlay.execute();
  // The lease of a disk's one writer.
  await sql`create unique index attachments_writer on attachments (resource_id) where mode = 'read-write'`.execute(db);
}
