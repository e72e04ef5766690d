import type { Database, Transaction } from '../db/database.ts';
import type { Operation } from '../operations/operation.ts';
import { startOnce } from '../operations/start-once.ts';
import type { DiskContents, Frozen } from './disk-contents.ts';
import { findDisk } from './disk-rows.ts';

export interface StartFromDiskDeps {
  readonly db: Database;
  readonly contents: DiskContents;
}

/**
 * Starts an operation on what a disk holds now, as startOnce does. `work` is given what was frozen, if anything was ever
 * written to the disk; it is kept for the operation that `work` inserted, and given back when another one, or none, is the
 * answer.
 */
export async function startFromDisk(
  deps: StartFromDiskDeps,
  { diskId }: { readonly diskId: string },
  caller: Parameters<typeof startOnce>[1],
  work: (tx: Transaction, frozen: Frozen | undefined) => Promise<Operation>,
): Promise<Operation> {
  const disk = await findDisk(deps.db.read, diskId);
  const frozen = disk === undefined ? undefined : await deps.contents.freeze(disk);
  let insertedId: string | undefined;
  let answerId: string | undefined;
  try {
    const operation = await startOnce(deps, caller, async (tx) => {
      const inserted = await work(tx, frozen);
      await frozen?.take(tx);
      insertedId = inserted.id;
      return inserted;
    });
    answerId = operation.id;
    return operation;
  } finally {
    const isUsed = answerId !== undefined && answerId === insertedId;
    if (!isUsed) await frozen?.giveBack();
  }
}
