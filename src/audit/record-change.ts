import type { Database, Transaction } from '../db/database.ts';
import type { NewAuditRecord } from './audit-record.ts';
import { findCloudOf, insertAuditRecords } from './audit-rows.ts';

/** What is known of a call before it has changed anything. */
export interface ChangingCall
  extends Pick<NewAuditRecord, 'subjectId' | 'method' | 'requestId' | 'peer' | 'userAgent'> {
  /** What the caller named, and where that is; '' where that is not known. */
  readonly resourceId: string;
  readonly folderId: string;
  readonly cloudId: string;
}

/** What a change leaves: an operation, for one. */
interface Changed {
  readonly id: string;
  readonly resourceId: string;
  readonly folderId: string;
}

/** Makes a change that is an operation, and records it, in one transaction. */
export async function recordChange<T extends Changed>(
  tx: Transaction,
  call: ChangingCall,
  work: () => Promise<T>,
): Promise<T> {
  // What is deleted is gone from its cloud afterwards.
  const cloudId = call.cloudId === '' && call.folderId !== '' ? await findCloudOf(tx, call.folderId) : call.cloudId;
  const changed = await work();
  const { resourceId, folderId } = changed;
  const record = { ...call, kind: 'change', at: new Date(), code: 'OK', operationId: changed.id } as const;
  await insertAuditRecords(tx, [{ ...record, resourceId, folderId: folderId || call.folderId, cloudId }]);
  return changed;
}

/** Records a change that was made in no transaction of ours, or in several: before it is acknowledged. */
export async function recordMadeChange({ db }: { readonly db: Database }, call: ChangingCall): Promise<void> {
  const record = { ...call, kind: 'change', at: new Date(), code: 'OK', operationId: '' } as const;
  await db.transact((tx) => insertAuditRecords(tx, [record]));
}
