import { type Kysely, sql } from 'kysely';
import type { DialectName } from '../database.ts';
import { textType } from './text-type.ts';

/**
 * Which nodes of manifests may have lost what held them, so that a collection looks at these and not at every manifest there
 * is. Whether something else holds them is asked by the child of an edge.
 */
export async function createLooseNodes<S>(db: Kysely<S>, dialect: DialectName): Promise<void> {
  const text = textType(dialect);
  const digest = dialect === 'sqlite' ? sql`blob` : sql`bytea`;
  const table = db.schema
    .createTable('loose_nodes')
    .addColumn('domain_id', text, (c) => c.notNull())
    .addColumn('node_id', digest, (c) => c.notNull())
    .addPrimaryKeyConstraint('loose_nodes_key', ['domain_id', 'node_id']);
  await (dialect === 'sqlite' ? table.modifyEnd(sql`without rowid`) : table).execute();
  await db.schema
    .createIndex('manifest_edges_by_child')
    .on('manifest_edges')
    .columns(['domain_id', 'child_id'])
    .execute();
  // Of imports of earlier versions it is not known: what those leave is found by the look at all manifests.
  await db.schema
    .alterTable('import_segments')
    .addColumn('domain_id', text, (c) => c.notNull().defaultTo(''))
    .execute();
}
