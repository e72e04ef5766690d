import { openLocalBlobs } from '../src/blobs/local.ts';
import { openDatabase } from '../src/db/open-database.ts';
import { dedupDomainOf } from '../src/folders/dedup-domain.ts';
import { findImage } from '../src/images/image-rows.ts';
import { describeDataDirectory } from '../src/installation/data-directory.ts';
import { hexOf } from '../src/volumes/chunk-id.ts';
import { createStoreThreads, type Store } from '../src/volumes/store.ts';
import { openVolume } from '../src/volumes/stored-device.ts';
import { addVolumeReference, removeVolumeReference } from '../src/volumes/volume-rows.ts';
import { writeVolume } from '../src/volumes/write-volume.ts';
import { repeatFirstSegment } from '../test/fixtures/guest-over.ts';

/**
 * Makes an image larger, as if its first segment were there again and again until it has `sizeBytes`: a manifest as of a disk
 * that is full, without the bytes. The service must not run on the directory.
 */
export async function fillImage(dataDirectory: string, imageId: string, sizeBytes: number): Promise<void> {
  const directory = describeDataDirectory(dataDirectory);
  await using db = await openDatabase({ url: undefined, path: directory.database });
  await using blobs = await openLocalBlobs(directory.packs);
  await using threads = createStoreThreads(2);
  const image = await findImage(db.read, imageId);
  if (image?.volumeId === undefined) throw new Error(`image ${imageId} is not READY`);
  const leases = { assertHeld: async () => {}, isHeld: async () => true };
  const log = { info() {}, warn() {}, error() {} };
  const store: Store = { db, blobs, threads, leases, log, now: Date.now };
  await using device = await openVolume(store, image.volumeId);
  const written = await writeVolume(store, {
    domainId: await dedupDomainOf(db.read, image.folderId),
    lease: { operationId: imageId, epoch: 1 },
    reader: await repeatFirstSegment(device, sizeBytes),
    signal: new AbortController().signal,
    onProgress() {},
  });
  await db.transact(async (tx) => {
    const volume = await written.commit(tx);
    await removeVolumeReference(tx, imageId);
    await addVolumeReference(tx, imageId, volume.id);
    await tx
      .updateTable('images')
      .set({ volume_id: volume.id, size: sizeBytes, min_disk_size: sizeBytes, guest_digest: hexOf(volume.guestDigest) })
      .where('id', '=', imageId)
      .execute();
  });
}
