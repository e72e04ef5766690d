import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Database } from '../db/database.ts';
import { isUnderWay } from '../operations/operation-rows.ts';
import { removeSpool } from '../sources/spool-record.ts';

/** At a start, removes copies of sources whose operation is over: a process that died cleaned up nothing. */
export async function sweepSpool(deps: { readonly db: Database; readonly spoolDirectory: string }): Promise<void> {
  for (const name of await readdir(deps.spoolDirectory)) {
    const [operationId = ''] = name.split('.');
    if (!(await isUnderWay(deps.db.read, operationId))) await removeSpool(join(deps.spoolDirectory, operationId));
  }
}
