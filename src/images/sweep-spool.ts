import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Database } from '../db/database.ts';
import { isUnderWay } from '../operations/operation-rows.ts';

/**
 * At a start, removes copies of sources, and what was unpacked of them, whose operation is over: a process that died
 * cleaned up nothing. The names are `ID`, `ID.json`, and `.ID.json.new` where the process died while it wrote that
 * record; and the same of `ID.unpacked-1`, `ID.unpacked-2` and so on with `ID.unpacked.json`.
 */
export async function sweepSpool(deps: { readonly db: Database; readonly spoolDirectory: string }): Promise<void> {
  for (const name of await readdir(deps.spoolDirectory)) {
    const [operationId = ''] = name.replace(/^\./, '').split('.');
    if (await isUnderWay(deps.db.read, operationId)) continue;
    await rm(join(deps.spoolDirectory, name), { force: true, recursive: true });
  }
}
