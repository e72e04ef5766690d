import type { Transaction } from '../db/database.ts';
import { databaseTime } from '../db/database-time.ts';
import { idPrefix, newId } from '../lib/ids.ts';
import type { JsonValue } from '../lib/json.ts';
import { resourceNumber } from '../lib/resource-number.ts';
import type { Operation } from './operation.ts';
import { insertRow, type OperationRow, toOperation } from './operation-rows.ts';

interface NewOperation {
  readonly kind: string;
  readonly folderId: string;
  readonly resourceId: string;
  /** Of what has one that clients know it by; '' by default. */
  readonly resourceName?: string;
  /** Of what is in a zone; '' by default. */
  readonly zoneId?: string;
  /** For people, in the words of the public API: `Create image`. */
  readonly description: string;
  readonly createdBy: string;
  /** Of the node that alone can run it; '' by default, for any. */
  readonly nodeId?: string;
  /** When; the present by default. It may be run from then on, by the database's time. */
  readonly now?: Date;
}

/** Adds an operation that a runner is to run; wake the runner after the commit. */
export async function insertOperation(
  tx: Transaction,
  operation: NewOperation & { readonly input: JsonValue },
): Promise<Operation> {
  return insert(tx, operation, { state: 'pending', input: JSON.stringify(operation.input), result: null });
}

/** Adds an operation whose work is wholly done in this same transaction. */
export async function insertFinishedOperation(
  tx: Transaction,
  operation: NewOperation & { readonly input?: JsonValue; readonly result: JsonValue },
): Promise<Operation> {
  return insert(tx, operation, {
    state: 'done',
    input: JSON.stringify(operation.input ?? null),
    result: JSON.stringify(operation.result),
  });
}

async function insert(
  tx: Transaction,
  {
    kind,
    folderId,
    resourceId,
    resourceName = '',
    zoneId = '',
    description,
    createdBy,
    nodeId = '',
    now,
  }: NewOperation,
  work: Pick<OperationRow, 'state' | 'input' | 'result'>,
): Promise<Operation> {
  const id = newId(idPrefix(resourceId));
  const createdAt = (now ?? new Date()).getTime();
  const row = {
    id,
    number: resourceNumber(id),
    kind,
    folder_id: folderId,
    resource_id: resourceId,
    resource_name: resourceName,
    zone_id: zoneId,
    description,
    idempotency_key: '',
    created_by: createdBy,
    created_at: createdAt,
    modified_at: createdAt,
    ...work,
    checkpoint: null,
    progress: null,
    error: null,
    lease_owner: '',
    lease_epoch: 0,
    lease_renewals: 0,
    attempts: 0,
    node_id: nodeId,
  } satisfies Omit<OperationRow, 'cloud_id' | 'run_after'>;
  await insertRow(tx, { ...row, run_after: now?.getTime() ?? databaseTime(tx) });
  return toOperation(row);
}
