import type { OperationKind } from '../operations/kind.ts';
import { removeSpool } from '../sources/spool-record.ts';
import { releaseVolumeWriter } from '../volumes/seal.ts';
import { discardImage } from './discard-image.ts';
import { type ImportDeps, importImage } from './import-image.ts';
import { createImageKind } from './operation-names.ts';
import { spoolPath } from './spool-path.ts';

export interface ImportKindDeps extends ImportDeps {
  /** There may be something to collect. */
  readonly onGarbage: () => void;
}

/** How operations that import an image are run. One that fails or is cancelled takes its image away. */
export function createImportKind(deps: ImportKindDeps): OperationKind {
  return {
    name: createImageKind,
    run: (context) => importImage(deps, context),
    async abandon(tx, { id, resourceId }) {
      await discardImage(tx, resourceId);
      await releaseVolumeWriter(tx, id);
    },
    async cleanUp({ id }) {
      await removeSpool(spoolPath(deps, id));
      deps.onGarbage();
    },
  };
}
