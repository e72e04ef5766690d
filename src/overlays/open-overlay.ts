import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncDirectory } from '../lib/write-file-durably.ts';
import { hasLogFiles, loadLogs } from './load-logs.ts';
import { blockBytes, fileBlocksMax } from './log-format.ts';
import { type Manifest, manifestName, readManifest, writeManifest } from './manifest.ts';
import { OpenHandles } from './open-handles.ts';
import { noBase, type Overlay, type OverlayBase } from './overlay.ts';
import { OverlayDevice } from './overlay-device.ts';
import { BaseWrong, OverlayDamaged, type OverlayFailed, overlayFailedBy } from './overlay-failed.ts';

export interface OpenOverlayOptions {
  /** The overlay's own; nobody else may have it open. Its parent must be there. */
  readonly directory: string;
  /**
   * A disk that was smaller until now becomes larger. One that was larger stays so: metadata out of a backup, or an operation on
   * what was frozen of it before it grew, does not know it better.
   */
  readonly sizeBytes: number;
  /** What blocks are read from that no layer has; zeros are behind its end. An overlay of another base is refused. */
  readonly base?: OverlayBase;
  /** What to do in a directory without an overlay: begin one, or say that it is lost. */
  readonly whenMissing: 'create' | 'refuse';
  /** A log file's size at which the next one is begun, 64 MiB at most and by default. Smaller ones are for tests. */
  readonly fileBytes?: number;
  /** Whether files that are mostly dead are compacted in the background, which is the default. */
  readonly compactsByItself?: boolean;
  /** Told of what failed in the background. It is tried again when it is needed, and fails then for who needs it. */
  readonly onProblem?: (error: OverlayFailed) => void;
}

/** 2^32 blocks, less one: 16 TiB. */
const maxSizeBytes = (2 ** 32 - 1) * blockBytes;
/** For reading: enough for many requests at once. */
const openFilesMost = 64;

/**
 * Opens a disk's overlay, with everything that was acknowledged as durable and possibly more. Throws `OverlayDamaged` when
 * anything in the directory is not as it was written, `BaseWrong` when it lies on another base, and `OverlayFailed` when it
 * can't be read or made.
 *
 * Reads the indexes of its log files, and what of the last two has none yet. A directory is created durably.
 */
export async function openOverlay(options: OpenOverlayOptions): Promise<Overlay> {
  const { directory, sizeBytes, base = noBase, whenMissing, fileBytes = fileBlocksMax * blockBytes } = options;
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes <= 0 || sizeBytes > maxSizeBytes) {
    throw new RangeError(`a disk of ${sizeBytes} bytes`);
  }
  const onProblem = options.onProblem ?? (() => {});
  try {
    if (whenMissing === 'create') await mkdir(directory, { recursive: true });
    const manifest = (await readManifest(directory)) ?? (await begin(options));
    // That a name is there does not say that it is durable: whoever gave it may have died before it was.
    await syncDirectory(directory);
    if (whenMissing === 'create') await syncDirectory(dirname(directory));
    if (!manifest.baseIds.includes(base.id)) throw new BaseWrong(directory, manifest.baseIds, base.id);
    await using opening = new AsyncDisposableStack();
    const handles = opening.use(new OpenHandles(openFilesMost));
    const fileBlocks = Math.max(smallestFileBlocks, Math.floor(fileBytes / blockBytes));
    const logs = await loadLogs(
      { directory, overlayId: manifest.id, handles, fileBlocks, onProblem },
      {
        ...manifest,
        baseIds: [base.id],
      },
    );
    if (manifest.sizeBytes < sizeBytes) await logs.resize(sizeBytes);
    opening.move();
    return new OverlayDevice(logs, base, { compactsByItself: options.compactsByItself ?? true, onProblem });
  } catch (error) {
    if (error instanceof RangeError) throw error;
    throw overlayFailedBy(error, directory);
  }
}

/** A header, and two batches of a block each, are the least that a file must have room for. */
const smallestFileBlocks = 16;

async function begin({ directory, sizeBytes, base = noBase, whenMissing }: OpenOverlayOptions): Promise<Manifest> {
  const path = join(directory, manifestName);
  if (whenMissing === 'refuse') throw new OverlayDamaged(path, 'is missing: this disk had an overlay');
  if (await hasLogFiles(directory)) throw new OverlayDamaged(path, 'is missing, and there are log files without it');
  const manifest: Manifest = {
    id: randomBytes(16).toString('hex'),
    sizeBytes,
    baseIds: [base.id],
    nextFile: 1,
    sealedSequence: 0,
    layers: [{ number: 1, files: [] }],
  };
  await writeManifest(directory, manifest);
  return manifest;
}
