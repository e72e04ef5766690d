import type { OperationKind } from '../operations/kind.ts';
import { removeSpool } from '../sources/spool-record.ts';
import { releaseUpload } from '../uploads/use-upload.ts';
import { releaseVolumeWriter } from '../volumes/seal.ts';
import { removeUnpacked } from '../wrappers/work-record.ts';
import { discardImage } from './discard-image.ts';
import { type ImportDeps, importImage } from './import-image.ts';
import { createImageKind } from './operation-names.ts';
import { spoolPath, workPath } from './spool-path.ts';

export interface ImportKindDeps extends ImportDeps {
  /** There may be something to collect. */
  readonly onGarbage: () => void;
  /** An upload may have become an image. */
  readonly onUploadUsed: () => void;
}

/**
 * How operations that import an image are run. One that fails or is cancelled takes its image away, and leaves the upload
 * that it read, if any, to another try.
 */
export function createImportKind(deps: ImportKindDeps): OperationKind {
  return {
    name: createImageKind,
    run: (context) => importImage(deps, context),
    async abandon(tx, { id, resourceId }) {
      await discardImage(tx, resourceId);
      await releaseVolumeWriter(tx, id);
      await releaseUpload(deps.uploads, tx, id);
    },
    async cleanUp({ id }) {
      await removeCopies(deps, id);
      deps.onGarbage();
    },
    onDone({ id }) {
      deps.onUploadUsed();
      // Not before: until now another attempt could have needed the copy.
      removeCopies(deps, id).catch((error: unknown) => {
        deps.store.log.warn({ err: error, operationId: id }, 'the copy of a source stays until the next start');
      });
    },
  };
}

/** Removes what an import keeps of its source: the copy, and what was unpacked. */
async function removeCopies(deps: ImportDeps, operationId: string): Promise<void> {
  await removeUnpacked(workPath(deps, operationId));
  await removeSpool(spoolPath(deps, operationId));
}
