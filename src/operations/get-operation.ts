import type { Database } from '../db/database.ts';
import { notFound } from '../errors.ts';
import type { Operation } from './operation.ts';
import { findRow, toOperation } from './operation-rows.ts';

/** The operation as it is now. Throws NOT_FOUND. */
export async function getOperation(
  { db }: { readonly db: Database },
  { operationId }: { readonly operationId: string },
): Promise<Operation> {
  const row = await findRow(db.read, operationId);
  if (row === undefined) throw notFound('Operation', operationId);
  return toOperation(row);
}
