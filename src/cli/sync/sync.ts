import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { CliFailed, Interrupted } from '../cli-failed.ts';
import { findFolderId } from '../find-resources.ts';
import { readFlag } from '../flags.ts';
import { describeFailure } from '../report-failure.ts';
import type { ToAction } from '../run-command.ts';
import type { Session } from '../session.ts';
import type { ImageList } from './image-list.ts';
import { readImageList } from './read-image-list.ts';

interface SyncFlags {
  readonly file: string;
  readonly every?: number;
  readonly dryRun?: boolean;
}

/** Where the families go when no other folder is named: clients look for families here. */
const standardImagesFolderId = 'standard-images';

/** `image sync`: exits with 1 when a family is not as the list wants it. */
export function addSync(parent: Command, toAction: ToAction): void {
  parent
    .command('sync')
    .description('import the newest images of a list of families, and delete the oldest it made; into standard-images')
    .requiredOption('--file <path>', 'YAML file with the families: docs/standard-images.md')
    .option('--every <time>', 'do it again and again, with this time in between: 30m, 24h', readFlag.time)
    .option('--dry-run', 'say what would be done, and change nothing')
    .action(
      toAction(async (session, command) => {
        const flags = command.opts<SyncFlags>();
        let list = await readList(flags.file);
        try {
          for (;;) {
            const failed = await syncOnce(session, list, flags);
            if (flags.every === undefined && failed !== undefined) throw failed;
            if (flags.every === undefined) return;
            if (failed !== undefined) session.terminal.err.write(`ERROR: ${describeFailure(failed)}\n`);
            await sleep(flags.every, undefined, { signal: session.signal });
            list = (await readListAgain(session, flags.file)) ?? list;
          }
        } catch (error) {
          if (!session.signal.aborted) throw error;
          throw new Interrupted(
            'imports that are under way go on; the same command waits for them, and does the rest.',
          );
        }
      }),
    );
}

async function readList(file: string): Promise<ImageList> {
  return await readImageList(await readFile(file, 'utf8'), file);
}

/** Somebody may be changing it: then the list of the last time is as good. */
async function readListAgain(session: Session, file: string): Promise<ImageList | undefined> {
  try {
    return await readList(file);
  } catch (error) {
    session.terminal.err.write(`ERROR: ${describeFailure(error)}\n`);
    return undefined;
  }
}

/** One round. Returns why it was not a whole success; throws when the user has left. */
async function syncOnce(session: Session, list: ImageList, flags: SyncFlags): Promise<unknown> {
  try {
    const { folderId, folderName } = session.flags;
    const isNamed = folderId !== undefined || folderName !== undefined;
    const folder = isNamed ? await findFolderId(session) : standardImagesFolderId;
    // Their HTTP client takes 50 ms to load, which the other commands need not wait for.
    const [{ syncImages }, { showResults }] = await Promise.all([
      import('./sync-images.ts'),
      import('./show-results.ts'),
    ]);
    const results = await syncImages(list, { session, folderId: folder, dryRun: flags.dryRun ?? false });
    await showResults(session, results);
    const failed = results.filter(({ problem }) => problem !== '').map(({ family }) => family);
    if (failed.length === 0) return undefined;
    return new CliFailed(`${failed.length} of ${results.length} families failed: ${failed.join(', ')}.`);
  } catch (error) {
    session.signal.throwIfAborted();
    return error;
  }
}
