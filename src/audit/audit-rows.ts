import { type InsertObject, type Selectable, type SelectQueryBuilder, sql } from 'kysely';
import type { Queryable, Transaction } from '../db/database.ts';
import type { AuditRecordsTable, Schema } from '../db/schema.ts';
import type { PagePosition } from '../lib/page.ts';
import type { AuditKind, AuditRecord, NewAuditRecord } from './audit-record.ts';

/** Adds records, in their order. Their clouds are found by their folders where they are not given. */
export async function insertAuditRecords(tx: Transaction, records: readonly NewAuditRecord[]): Promise<void> {
  if (records.length > 0) await tx.insertInto('audit_records').values(records.map(toRow)).execute();
}

const outcomeColumns = [
  ...(['kind', 'at', 'subject_id', 'method', 'resource_id', 'folder_id', 'cloud_id', 'operation_id', 'code'] as const),
  ...(['request_id', 'peer', 'user_agent'] as const),
];

/** Adds the outcome of an operation, whose row is still there. */
export async function insertOutcome(
  tx: Transaction,
  { operationId, code, at }: { readonly operationId: string; readonly code: string; readonly at: Date },
): Promise<void> {
  const nothing = sql.lit('');
  await tx
    .insertInto('audit_records')
    .columns(outcomeColumns)
    .expression((from) =>
      from
        .selectFrom('operations')
        .leftJoin('folders', 'folders.id', 'operations.folder_id')
        .where('operations.id', '=', operationId)
        .select((row) => [
          sql.lit('outcome').as('kind'),
          sql.lit(at.getTime()).as('at'),
          'operations.created_by',
          'operations.kind as method',
          'operations.resource_id',
          'operations.folder_id',
          row.fn.coalesce('folders.cloud_id', nothing).as('cloud_id'),
          'operations.id',
          sql.val(code).as('code'),
          nothing.as('request_id'),
          nothing.as('peer'),
          nothing.as('user_agent'),
        ]),
    )
    .execute();
}

/** The cloud that a folder is in; '' when there is no such folder. */
export async function findCloudOf(db: Queryable, folderId: string): Promise<string> {
  const row = await db.selectFrom('folders').select('cloud_id').where('id', '=', folderId).executeTakeFirst();
  return row?.cloud_id ?? '';
}

/** What is '' or undefined is not asked for. */
export interface AuditQuery {
  readonly since: Date | undefined;
  readonly until: Date | undefined;
  readonly subjectId: string;
  readonly method: string;
  readonly resourceId: string;
  readonly folderId: string;
  readonly cloudId: string;
}

/** Newest first: at most `limit` of those that come after the position `after`. */
export async function listAuditRows(
  db: Queryable,
  { since, until, ...wanted }: AuditQuery,
  { after, limit }: { readonly after: PagePosition | undefined; readonly limit: number },
): Promise<AuditRecord[]> {
  let query = db.selectFrom('audit_records').selectAll();
  for (const [column, value] of [
    ['subject_id', wanted.subjectId],
    ['method', wanted.method],
    ['resource_id', wanted.resourceId],
    ['folder_id', wanted.folderId],
    ['cloud_id', wanted.cloudId],
  ] as const) {
    if (value !== '') query = query.where(column, '=', value);
  }
  if (since !== undefined) query = query.where('at', '>=', since.getTime());
  if (until !== undefined) query = query.where('at', '<', until.getTime());
  if (after !== undefined) {
    const position = [Number(after.key), Number(after.id)] as const;
    query = query.where((row) => row(row.refTuple('at', 'id'), '<', row.tuple(...position)));
  }
  return (await newestFirst(query).limit(limit).execute()).map(toRecord);
}

/** Deletes at most `limit` records older than that; says how many. */
export async function deleteAuditBefore(tx: Transaction, before: Date, limit: number): Promise<number> {
  const old = tx.selectFrom('audit_records').select('id').where('at', '<', before.getTime()).limit(limit);
  const deleted = await tx.deleteFrom('audit_records').where('id', 'in', old).executeTakeFirst();
  return Number(deleted.numDeletedRows);
}

/** Deletes at most `limit` records of the kind beyond the newest `kept`; says how many. */
export async function deleteAuditBeyond(
  tx: Transaction,
  kind: AuditKind,
  { kept, limit }: { readonly kept: number; readonly limit: number },
): Promise<number> {
  const beyond = newestFirst(tx.selectFrom('audit_records').select('id').where('kind', '=', kind))
    .limit(limit)
    .offset(kept);
  const deleted = await tx.deleteFrom('audit_records').where('id', 'in', beyond).executeTakeFirst();
  return Number(deleted.numDeletedRows);
}

function newestFirst<O>(query: SelectQueryBuilder<Schema, 'audit_records', O>) {
  return query.orderBy('at', 'desc').orderBy('id', 'desc');
}

function toRow(record: NewAuditRecord): InsertObject<Schema, 'audit_records'> {
  const { cloudId, folderId, resourceId } = record;
  return {
    kind: record.kind,
    at: record.at.getTime(),
    subject_id: record.subjectId,
    method: record.method,
    resource_id: resourceId,
    folder_id: folderId,
    operation_id: record.operationId,
    code: record.code,
    request_id: record.requestId,
    peer: record.peer,
    user_agent: record.userAgent,
    cloud_id:
      cloudId === ''
        ? sql<string>`coalesce(
            (select cloud_id from folders where id = ${folderId}), (select id from clouds where id = ${resourceId}), '')`
        : cloudId,
  };
}

function toRecord(row: Selectable<AuditRecordsTable>): AuditRecord {
  return {
    id: row.id,
    kind: row.kind,
    at: new Date(row.at),
    subjectId: row.subject_id,
    method: row.method,
    resourceId: row.resource_id,
    folderId: row.folder_id,
    cloudId: row.cloud_id,
    operationId: row.operation_id,
    code: row.code,
    requestId: row.request_id,
    peer: row.peer,
    userAgent: row.user_agent,
  };
}
