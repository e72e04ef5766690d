import type { Database } from '../db/database.ts';
import type { Operation } from './operation.ts';
import { findRowByNumber, toOperation } from './operation-rows.ts';

/** The operation of the folder that has this number (lib/resource-number.ts); undefined when there is none. */
export async function findOperationByNumber(
  { db }: { readonly db: Database },
  request: { readonly folderId: string; readonly number: string },
): Promise<Operation | undefined> {
  const row = await findRowByNumber(db.read, request);
  return row === undefined ? undefined : toOperation(row);
}
