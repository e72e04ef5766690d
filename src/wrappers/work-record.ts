import { readFile, rm } from 'node:fs/promises';
import { integerOf, objectOf, stringOf } from '../lib/json.ts';
import { writeFileDurably } from '../lib/write-file-durably.ts';
import { DataMap } from './data-map.ts';
import type { LayerReport } from './layer-report.ts';
import { readLayerReport } from './read-layer-report.ts';
import { maxLayers } from './unwrap-limits.ts';
import { WorkFile } from './work-file.ts';

/*
 * Beside each other: `<path>-1`, `<path>-2`, ... the work files, one for each packed layer, of which the earlier are
 * removed when the next is whole; and `<path>.json`, what is known of the last. The record is written after the bytes it
 * speaks of were synced, so it is true even after a power cut; a work file that it does not name is worth nothing.
 */

/** What was unpacked, of which file, and what was around it. */
export interface Unpacked {
  readonly file: WorkFile;
  /** The layers that were taken off, that of the work file the last. */
  readonly layers: readonly LayerReport[];
  /** The SHA-256 of the outermost file, where it was read from front to back. */
  readonly sourceSha256: string | undefined;
}

export function workFilePath(path: string, layer: number): string {
  return `${path}-${layer}`;
}

/** Keeps word of a work file for the next run. @param key names the one version of the source that it was made from */
export async function writeWorkRecord(
  path: string,
  key: string,
  { file, layers, sourceSha256 }: Unpacked,
): Promise<void> {
  const record = { key, layers, sourceSha256: sourceSha256 ?? '', sizeBytes: file.sizeBytes, data: `${file.data}` };
  await writeFileDurably(`${path}.json`, JSON.stringify(record), 0o600);
}

/** What an earlier run unpacked of this very version of the source; undefined when there is no such thing. */
export async function reopenUnpacked(path: string, key: string): Promise<Unpacked | undefined> {
  try {
    const record = objectOf(JSON.parse(await readFile(`${path}.json`, 'utf8')), 'record of a work file');
    if (record.key !== key || !Array.isArray(record.layers)) return undefined;
    const layers = record.layers.map(readLayerReport);
    const data = DataMap.parse(stringOf(record, 'data'));
    const file = await WorkFile.reopen(workFilePath(path, layers.length), integerOf(record, 'sizeBytes'), data);
    if (file === undefined) return undefined;
    return { file, layers, sourceSha256: stringOf(record, 'sourceSha256') || undefined };
  } catch {
    // No record, or a damaged one: the file is unpacked again.
    return undefined;
  }
}

/** Removes the work files and their record; succeeds when there are none. */
export async function removeUnpacked(path: string): Promise<void> {
  // The record goes first: without it the rest is never taken for more than rubbish.
  await rm(`${path}.json`, { force: true });
  for (let layer = 1; layer <= maxLayers; layer++) await rm(workFilePath(path, layer), { force: true });
}
