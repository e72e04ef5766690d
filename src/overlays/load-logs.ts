import { opendir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { entriesOf } from './index-entries.ts';
import { LogFile, type LogFilePlace, logFileName } from './log-file.ts';
import { blockBytes, fileBlocksMax } from './log-format.ts';
import { type Layer, LogSet, type LogSetOptions } from './log-set.ts';
import { type Manifest, manifestName } from './manifest.ts';
import { OverlayDamaged, type OverlayFailed } from './overlay-failed.ts';
import { acceptBatches, type ScannedLog, scanLog } from './recover-log.ts';

/** Files opened at once: each holds an index of up to 400 KiB. */
const loadsAtOnce = 8;

/**
 * The logs as the manifest lists them, each file's index in memory. What a crash has left behind the last whole batch is taken
 * away, so that what was decided here stays so. Throws `OverlayDamaged` when something is not as it was.
 */
export async function loadLogs(options: LogSetOptions, manifest: Manifest): Promise<LogSet> {
  await removeUnlisted(options.directory, manifest);
  const logs = new LogSet(options, manifest);
  const listed = manifest.layers.flatMap(({ files }) => files);
  const files = new Map<number, LoadedFile>();
  for (let at = 0; at < listed.length; at += loadsAtOnce) {
    const group = listed.slice(at, at + loadsAtOnce);
    const loaded = await Promise.allSettled(group.map((file) => loadFile(options, file)));
    for (const result of loaded) {
      if (result.status === 'rejected') throw result.reason;
      files.set(result.value.file.number, result.value);
    }
  }
  await recover(logs, manifest, [...files.values()]);
  const { sizeBytes } = manifest;
  const used = [...files.values()].filter(({ file, numbers }) => numbers !== undefined || file.lastSequence > 0);
  const lastUsed = used.reduce((last, { file }) => Math.max(last, file.number), 0);
  for (const { number, files: inLayer } of manifest.layers) {
    const layer = logs.addLayer(number, []);
    for (const listedFile of inLayer) {
      const loaded = files.get(listedFile.number);
      if (loaded !== undefined) addFile({ logs, layer, sizeBytes, lastUsed }, loaded);
    }
  }
  // A disk that is full is still to be read: what is to be written to it will wait for its index.
  await logs.sealEnded().catch((error: OverlayFailed) => {
    if (error.code !== 'ENOSPC') throw error;
  });
  return logs;
}

interface LoadedFile {
  readonly file: LogFile;
  /** Its index, when it is sealed. */
  readonly numbers: Uint32Array | undefined;
  readonly scan: ScannedLog | undefined;
}

async function loadFile(place: LogFilePlace, listed: { number: number; sealedBlocks: number }): Promise<LoadedFile> {
  const file = await LogFile.open(place, listed.number);
  const sizeBytes = await file.sizeBytes();
  if (listed.sealedBlocks > 0 && sizeBytes !== listed.sealedBlocks * blockBytes) {
    throw new OverlayDamaged(
      file.path,
      `has ${sizeBytes} bytes where ${listed.sealedBlocks * blockBytes} were written`,
    );
  }
  // An index that nobody has listed may have come to the disk before the data that it speaks of.
  if (listed.sealedBlocks === 0) return { file, numbers: undefined, scan: await scanLog(file) };
  const index = await file.readIndex();
  if (index === undefined) throw new OverlayDamaged(file.path, 'has lost its index');
  file.lastSequence = index.trailer.lastSequence;
  file.markSealed(listed.sealedBlocks);
  return { file, numbers: index.numbers, scan: undefined };
}

/** Decides what of the files without an index counts, and makes that durable. */
async function recover(logs: LogSet, manifest: Manifest, files: readonly LoadedFile[]): Promise<void> {
  const sealed = files.filter(({ numbers }) => numbers !== undefined);
  const lastSealed = sealed.reduce((last, { file }) => Math.max(last, file.lastSequence), manifest.sealedSequence);
  const scans = files.flatMap(({ scan }) => scan ?? []);
  acceptBatches(scans, lastSealed);
  for (const { file } of scans) {
    if (file.lastSequence > 0) await file.truncate();
  }
  logs.lastSequence = files.reduce((last, { file }) => Math.max(last, file.lastSequence), lastSealed);
  logs.syncedSequence = logs.lastSequence;
}

interface Target {
  readonly logs: LogSet;
  readonly layer: Layer;
  readonly sizeBytes: number;
  /** The last file that has batches. */
  readonly lastUsed: number;
}

function addFile(target: Target, { file, numbers, scan }: LoadedFile): void {
  const { logs, layer } = target;
  logs.places.adopt(file);
  if (scan !== undefined && file.lastSequence === 0) {
    // One that has lost all that was written to it may stand before others: the next file has to be the last.
    const isLast = file.number > target.lastUsed;
    if (isLast && scan.isPristine) logs.offerSpare(file);
    else logs.discard(file);
    return;
  }
  layer.files = [...layer.files, file];
  if (numbers === undefined) logs.addEnded(file);
  indexEntries(target, file, numbers ?? file.entries?.numbers ?? new Uint32Array(0));
}

/** Puts what a file says into the layer's index. Nothing that it names may be outside of the disk or of the file. */
function indexEntries({ logs, layer, sizeBytes }: Target, file: LogFile, numbers: Uint32Array): void {
  const blocks = Math.ceil(sizeBytes / blockBytes);
  for (const entry of entriesOf(numbers)) {
    const count = entry.kind === 'zeros' ? entry.count : 1;
    if (entry.block + count > blocks) {
      throw new OverlayDamaged(file.path, `names block ${entry.block + count - 1} of a disk of ${blocks}`);
    }
    if (entry.kind === 'zeros') {
      layer.index.setZero(entry.block, entry.count);
      continue;
    }
    if (entry.place < 2 || entry.place >= Math.min(file.endBlock, fileBlocksMax)) {
      throw new OverlayDamaged(file.path, `has no block ${entry.place}`);
    }
    file.dataBlocks += 1;
    layer.index.setData(entry.block, logs.places.placeOf(file, entry.place), entry.checksum);
  }
  file.indexEntries = numbers.length / 3;
}

/** Files that a crash kept from being listed, or from being removed when they no longer were. */
async function removeUnlisted(directory: string, manifest: Manifest): Promise<void> {
  const listed = new Set(manifest.layers.flatMap(({ files }) => files.map(({ number }) => logFileName(number))));
  for await (const { name } of await opendir(directory)) {
    const isOld = /^[0-9]{8,}\.log$/.test(name) && !listed.has(name);
    if (isOld || name === `.${manifestName}.new`) await rm(join(directory, name), { force: true });
  }
}

/** Whether a folder has log files, which without a manifest are somebody's loss. */
export async function hasLogFiles(directory: string): Promise<boolean> {
  for await (const { name } of await opendir(directory)) if (/^[0-9]{8,}\.log$/.test(name)) return true;
  return false;
}
