import { availableParallelism } from 'node:os';
import { openBlobs } from '../blobs/open-blobs.ts';
import type { S3Settings } from '../blobs/s3/s3-settings.ts';
import { lockDataDirectory } from '../db/data-lock.ts';
import type { Database, Transaction } from '../db/database.ts';
import { openDatabase } from '../db/open-database.ts';
import { ensureStandardImages, standardImagesCloudId } from '../folders/standard-images.ts';
import type { Image } from '../images/image.ts';
import { insertImage } from '../images/image-rows.ts';
import { readAdministratorId } from '../installation/admin-key.ts';
import type { DataDirectory } from '../installation/data-directory.ts';
import { ensureFirstResources } from '../installation/first-rows.ts';
import { assertSameDirectory } from '../installation/installation-id.ts';
import { newId } from '../lib/ids.ts';
import { assertLease, isLeaseHeld } from '../operations/lease.ts';
import { recountUsage } from '../quotas/quota-rows.ts';
import { noGuestDetails } from '../resources/guest-details.ts';
import { defaultHardwareGeneration } from '../resources/hardware-generation.ts';
import { hexOf } from '../volumes/chunk-id.ts';
import { forgetLostPacks } from '../volumes/forget-lost-packs.ts';
import { type LostVolume, type Rebuilt, rebuildStore } from '../volumes/rebuild.ts';
import { createStoreThreads, type Store, type StoreLog } from '../volumes/store.ts';
import { addVolumeReference, type Volume } from '../volumes/volume-rows.ts';
import { setPlace } from './assert-same-place.ts';
import { contentHolders } from './content-holders.ts';

export interface RebuildDeps {
  readonly directory: DataDirectory;
  readonly databaseUrl: string | undefined;
  /** Where the packs are, when they are not in the directory. */
  readonly s3: S3Settings | undefined;
  readonly log: StoreLog;
  readonly signal: AbortSignal;
}

/** Images that nobody remembers the name of come back in this folder. */
export const recoveredFolderName = 'recovered';

/**
 * Makes what the metadata says of the store again, from the packs of a data directory; also when there is no metadata
 * any more. Volumes that were lost come back as READY images, named by their volume, in a folder of their cloud.
 *
 * @throws DataDirectoryInUse while a service runs on it
 */
export async function rebuildDataDirectory(deps: RebuildDeps): Promise<Rebuilt> {
  const { directory, databaseUrl, s3, log, signal } = deps;
  await using opening = new AsyncDisposableStack();
  opening.use(lockDataDirectory(directory.lock));
  const db = opening.use(await openDatabase({ url: databaseUrl, path: directory.database }));
  const { blobs, owner } = opening.use(
    await openBlobs({ directory: directory.packs, s3, cache: { directory: directory.cache, limitBytes: 0 } }),
  );
  if (owner !== undefined) await assertSameDirectory(directory.installationId, owner);
  const threads = opening.use(createStoreThreads(Math.max(2, availableParallelism())));
  const leases = { assertHeld: assertLease, isHeld: isLeaseHeld };
  const store: Store = { db, blobs, threads, leases, log, now: Date.now };
  await forgetLostPacks(store, signal);
  const administratorId = await readAdministratorId(directory.credentials.adminKey);

  const rebuilt = await rebuildStore(store, {
    signal,
    lostVolumes: await findLostVolumes(db),
    onRecovered: (tx, volume) => recoverImage(tx, volume, administratorId, new Date()),
  });
  await db.transact((tx) => setPlace(tx, s3 === undefined ? 'directory' : 's3'));
  await db.transact(holdContent);
  await db.transact(recountUsage);
  return rebuilt;
}

/**
 * Volumes that images, disks and snapshots name and that have no row. One that only one cloud names may be of that cloud,
 * or of a standard image; one that several name can only be of a standard image.
 */
async function findLostVolumes(db: Database): Promise<LostVolume[]> {
  const rows = await contentHolders(db.read)
    .innerJoin('folders', 'folders.id', 'holders.folder_id')
    .leftJoin('volumes', 'volumes.id', 'holders.volume_id')
    .select(['holders.volume_id', 'holders.size', 'holders.guest_digest'])
    .select((row) => [
      row.fn.min('folders.cloud_id').as('cloud_id'),
      row.fn.max('folders.cloud_id').as('last_cloud_id'),
    ])
    .groupBy(['holders.volume_id', 'holders.size', 'holders.guest_digest'])
    .where('volumes.id', 'is', null)
    .execute();
  return rows.flatMap(({ volume_id: id, size: sizeBytes, guest_digest: guestDigest, cloud_id, last_cloud_id }) => {
    if (id === null) return [];
    const domainIds = cloud_id === last_cloud_id ? [cloud_id, standardImagesCloudId] : [standardImagesCloudId];
    return [{ id, domainIds: [...new Set(domainIds)], sizeBytes, guestDigest }];
  });
}

/** What has content holds its volume, whatever became of the rows that say so. */
async function holdContent(tx: Transaction): Promise<void> {
  const rows = await contentHolders(tx)
    .innerJoin('volumes', 'volumes.id', 'holders.volume_id')
    .leftJoin('volume_references', 'volume_references.holder_id', 'holders.id')
    .select(['holders.id', 'volumes.id as volume_id'])
    .where('volume_references.holder_id', 'is', null)
    .execute();
  for (const { id, volume_id } of rows) await addVolumeReference(tx, id, volume_id);
}

async function recoverImage(
  tx: Transaction,
  volume: Volume,
  administratorId: string | undefined,
  now: Date,
): Promise<void> {
  // A new installation's first cloud is the one whose content this is: what is imported next shares chunks with it.
  if (volume.domainId === standardImagesCloudId) await ensureStandardImages(tx, now);
  else await ensureFirstResources(tx, now, { cloudId: volume.domainId, administratorId });
  const image: Image = {
    id: newId('fd8'),
    folderId: await ensureRecoveredFolder(tx, volume.domainId, now),
    createdAt: now,
    name: volume.id,
    description: 'Recovered from the packs: its name is not known',
    labels: {},
    family: '',
    storageSizeBytes: volume.storedBytes,
    minDiskSizeBytes: volume.sizeBytes,
    productIds: [],
    status: 'READY',
    os: { type: 'LINUX', nvidiaDriver: '' },
    pooled: false,
    hardwareGeneration: defaultHardwareGeneration,
    sizeBytes: volume.sizeBytes,
    guestDigest: hexOf(volume.guestDigest),
    volumeId: volume.id,
    guest: noGuestDetails,
    storageLocations: [],
    deprecation: undefined,
    origin: undefined,
  };
  await insertImage(tx, image);
  await addVolumeReference(tx, image.id, volume.id);
}

async function ensureRecoveredFolder(tx: Transaction, cloudId: string, now: Date): Promise<string> {
  const plain = { description: '', labels: '{}', created_at: now.getTime() };
  await tx
    .insertInto('clouds')
    .values({ ...plain, id: cloudId, name: `${recoveredFolderName}-${cloudId}`, organization_id: '' })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute();
  await tx
    .insertInto('folders')
    .values({ ...plain, id: newId('b1g'), cloud_id: cloudId, name: recoveredFolderName, status: 'ACTIVE' })
    .onConflict((conflict) => conflict.columns(['cloud_id', 'name']).doNothing())
    .execute();
  const folder = await tx
    .selectFrom('folders')
    .select('id')
    .where('cloud_id', '=', cloudId)
    .where('name', '=', recoveredFolderName)
    .executeTakeFirstOrThrow();
  return folder.id;
}
