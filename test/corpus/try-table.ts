import { readFileSync, writeFileSync } from 'node:fs';
import { ImageRefused } from '../../src/formats/image-refused.ts';
import { openDiskFile } from '../../src/images/open-disk-file.ts';
import { digestDisk } from '../../src/volumes/digest-disk.ts';
import { removeUnpacked } from '../../src/wrappers/work-record.ts';
import { SparseSource } from '../fixtures/sparse-file.ts';
import { corpus } from './corpus.ts';
import type { CorpusRow } from './corpus-table.ts';

/*
 * A process of its own for a table of the corpus, so that what it takes of memory is what the files made it take:
 *
 *     node --expose-gc try-table.ts TABLE WORK_PATH [ROW]
 *
 * Opens each file as an import and `obraz image inspect` do, and reads all of its guest. A line of JSON for each: a Trial.
 */

/** What became of a file, and what that cost. */
export interface Trial {
  readonly row: string;
  /** The check that refused it; `accepted`; or the error that must not be. */
  readonly outcome: string;
  /** Of all threads, from the file in hand to the answer. */
  readonly cpuMs: number;
  /** The most memory that the process had at once, less what it had before the first file, and less the file itself. */
  readonly grownBytes: number;
}

async function tryRow([what, make, , limits]: CorpusRow, workPath: string, idleBytes: number): Promise<Trial> {
  const made = make();
  const file = made instanceof Uint8Array ? { sizeBytes: made.length, parts: [[0, made] as const] } : made;
  const source = new SparseSource(file);
  globalThis.gc?.();
  forgetPeak();
  const started = process.cpuUsage();
  const outcome = await openAndRead(source, workPath, limits);
  const { user, system } = process.cpuUsage(started);
  const fileBytes = file.parts.reduce((sum, [, bytes]) => sum + bytes.length, 0);
  await removeUnpacked(workPath);
  return { row: what, outcome, cpuMs: (user + system) / 1000, grownBytes: peakBytes() - idleBytes - fileBytes };
}

async function openAndRead(source: SparseSource, workPath: string, limits: CorpusRow[3]): Promise<string> {
  try {
    await using opened = await openDiskFile(source, { sha256: undefined, fileName: '', workPath, limits });
    await digestDisk(opened.disk.source, opened.disk.map);
    return 'accepted';
  } catch (error) {
    return error instanceof ImageRefused ? error.check : String(error);
  }
}

/** Linux keeps the most memory that a process had, and forgets it when told (proc_pid_clear_refs(5)). */
function forgetPeak(): void {
  if (process.platform === 'linux') writeFileSync('/proc/self/clear_refs', '5');
}

function peakBytes(): number {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS * 1024;
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1];
  return Number(kilobytes) * 1024;
}

const [table = '', workPath = '', only] = process.argv.slice(2);
// First those that are refused, which what reading others left behind would be counted for.
const rows = Object.values(corpus[table] ?? {})
  .flat()
  .toSorted((a, b) => Number(a[2] === 'accepted') - Number(b[2] === 'accepted'));
globalThis.gc?.();
const idleBytes = process.memoryUsage.rss();
for (const row of rows) {
  if (only === undefined || row[0] === only) console.log(JSON.stringify(await tryRow(row, workPath, idleBytes)));
}
