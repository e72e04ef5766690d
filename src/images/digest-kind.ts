import { createHash } from 'node:crypto';
import type { Commit, OperationContext, OperationKind } from '../operations/kind.ts';
import type { Store } from '../volumes/store.ts';
import { setVolumeSha256 } from '../volumes/volume-rows.ts';
import { getImage } from './get-image.ts';
import { imageDigestToJson } from './image-digest.ts';
import { ImportProgress } from './import-progress.ts';
import { openImageContent } from './open-image-content.ts';
import { digestImageKind } from './operation-names.ts';

/** Guest bytes read and hashed at a time: 3 ms of the main thread. */
const pieceBytes = 4 * 1024 * 1024;

/**
 * How operations that hash an image are run. The state of a hash can't be kept, so one that is interrupted starts over;
 * it reads nothing but the store.
 */
export function createDigestKind(store: Store): OperationKind {
  return {
    name: digestImageKind,
    run: (context) => digestImage(store, context),
    async abandon() {},
  };
}

async function digestImage(store: Store, { operation, signal, report }: OperationContext): Promise<Commit> {
  const imageId = operation.resourceId;
  const { volumeId, guestDigest } = await getImage(store, { imageId });
  await using device = await openImageContent({ store }, { imageId });
  const progress = new ImportProgress(report, store.now);
  progress.guestBytes = device.sizeBytes;
  progress.enter('importing');
  const hash = createHash('sha256');
  const piece = new Uint8Array(pieceBytes);
  for (let offset = 0; offset < device.sizeBytes; offset += pieceBytes) {
    signal.throwIfAborted();
    const target = piece.subarray(0, Math.min(pieceBytes, device.sizeBytes - offset));
    await device.readAt(target, offset, { signal });
    hash.update(target);
    progress.passed(target.byteLength);
  }
  const sha256 = hash.digest('hex');
  return async (tx) => {
    if (volumeId !== undefined) await setVolumeSha256(tx, volumeId, sha256);
    return imageDigestToJson({ imageId, sha256, guestDigest });
  };
}
