import type { Caller } from '../access/caller.ts';
import type { Database, Transaction } from '../db/database.ts';
import { failedPrecondition } from '../errors.ts';
import type { JsonObject } from '../lib/json.ts';
import { insertOperation } from '../operations/insert-operation.ts';
import type { Operation } from '../operations/operation.ts';
import { findUnderWay } from '../operations/operation-rows.ts';
import { startOnce } from '../operations/start-once.ts';
import { checkStoreKind, compactStoreKind, scrubStoreKind, storeResourceId } from './operation-names.ts';
import { defaultBytesPerSecond } from './scrub-kind.ts';

export interface StoreOperationDeps {
  readonly db: Database;
  readonly runner: { wake(): void };
  /** Operations are in a folder; those on the store are in the first. */
  readonly folderId: string;
}

export interface CheckRequest {
  /** Verify every chunk, too. */
  readonly readData: boolean;
  /** 0 for the default. */
  readonly bytesPerSecond: number;
}

/** Starts a check of the store. Throws FAILED_PRECONDITION while one is under way. */
export async function startCheck(
  deps: StoreOperationDeps,
  { readData, bytesPerSecond }: CheckRequest,
  caller: Caller,
): Promise<Operation> {
  const input = { readData, bytesPerSecond: bytesPerSecond || defaultBytesPerSecond };
  return startForCaller(deps, { kind: checkStoreKind, description: 'Check store', input }, caller);
}

/** Starts a scrub of the store. Throws FAILED_PRECONDITION while one is under way. */
export async function startScrub(
  deps: StoreOperationDeps,
  { bytesPerSecond }: { readonly bytesPerSecond: number },
  caller: Caller,
): Promise<Operation> {
  const input = { bytesPerSecond: bytesPerSecond || defaultBytesPerSecond };
  return startForCaller(deps, { kind: scrubStoreKind, description: 'Scrub store', input }, caller);
}

/** Starts a compaction unless one is under way. For the service itself: nobody asks for it. */
export async function startCompaction(deps: StoreOperationDeps & { readonly createdBy: string }): Promise<void> {
  const { db, runner, createdBy } = deps;
  await db.transact(async (tx) => {
    if ((await findSame(tx, compactStoreKind)) !== undefined) return;
    await insert(tx, deps, { kind: compactStoreKind, description: 'Compact store', input: {} }, createdBy);
  });
  runner.wake();
}

interface NewWork {
  readonly kind: string;
  readonly description: string;
  readonly input: JsonObject;
}

async function startForCaller(deps: StoreOperationDeps, work: NewWork, caller: Caller): Promise<Operation> {
  const operation = await startOnce(deps, caller, async (tx) => {
    const running = await findSame(tx, work.kind);
    if (running !== undefined) {
      throw failedPrecondition('ALREADY_RUNNING', `${work.description} is under way as operation "${running}"`);
    }
    return insert(tx, deps, work, caller.subjectId);
  });
  deps.runner.wake();
  return operation;
}

async function findSame(tx: Transaction, kind: string): Promise<string | undefined> {
  return (await findUnderWay(tx, storeResourceId)).find((row) => row.kind === kind)?.id;
}

function insert(
  tx: Transaction,
  { folderId }: StoreOperationDeps,
  work: NewWork,
  createdBy: string,
): Promise<Operation> {
  return insertOperation(tx, { ...work, folderId, resourceId: storeResourceId, createdBy });
}
