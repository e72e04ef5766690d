import type { StoreDiskContentDeps } from '../disks/store-disk-content.ts';
import type { OperationKind } from '../operations/kind.ts';
import type { OperationInput } from '../operations/operation.ts';
import { removeSpool } from '../sources/spool-record.ts';
import { releaseUpload } from '../uploads/use-upload.ts';
import { releaseVolumeWriter } from '../volumes/seal.ts';
import { removeUnpacked } from '../wrappers/work-record.ts';
import { discardImage } from './discard-image.ts';
import { findImage } from './image-rows.ts';
import { volumeOf } from './image-source.ts';
import { type ImportDeps, importImage } from './import-image.ts';
import { createImageKind } from './operation-names.ts';
import { spoolPath, workPath } from './spool-path.ts';
import { readDiskInput, storeDiskImage } from './store-disk-image.ts';

export interface ImportKindDeps extends ImportDeps, StoreDiskContentDeps {
  /** There may be something to collect. */
  readonly onGarbage: () => void;
  /** An upload may have become an image. */
  readonly onUploadUsed: () => void;
}

/**
 * How operations that bring in an image's content are run: from a file, or from a disk. One that fails or is cancelled
 * takes its image away, and leaves the upload that it read, if any, to another try.
 */
export function createImportKind(deps: ImportKindDeps): OperationKind {
  return {
    name: createImageKind,
    async run(context) {
      const disk = readDiskInput(context.operation.input);
      return disk === undefined ? importImage(deps, context) : storeDiskImage(deps, context, disk);
    },
    async abandon(tx, { id, resourceId }) {
      await discardImage(tx, resourceId);
      await releaseVolumeWriter(tx, id);
      await releaseUpload(deps.uploads, tx, id);
    },
    async cleanUp(operation) {
      await removeCopies(deps, operation);
      deps.onGarbage();
    },
    onDone(operation) {
      deps.onUploadUsed();
      // Not before: until now another attempt could have needed the copy.
      removeCopies(deps, operation).catch((error: unknown) => {
        const facts = { err: error, operationId: operation.id };
        deps.store.log.warn(facts, 'the copy of a source stays until the next start');
      });
    },
  };
}

/** Removes what is kept of the source meanwhile: the copy of a file and what was unpacked, or what was frozen of a disk. */
async function removeCopies(deps: ImportKindDeps, { id, input, resourceId }: OperationInput): Promise<void> {
  const { frozenId, nodeId = '' } = readDiskInput(input) ?? {};
  if (frozenId !== undefined) {
    const image = await findImage(deps.store.db.read, resourceId);
    await deps.contents.release({ frozenId, nodeId }, image === undefined ? undefined : volumeOf(image));
  }
  await removeUnpacked(workPath(deps, id));
  await removeSpool(spoolPath(deps, id));
}
