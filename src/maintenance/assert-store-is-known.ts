import type { BlobStore } from '../blobs/blob-store.ts';
import type { Database } from '../db/database.ts';
import { InstallationBroken } from '../installation/installation-broken.ts';
import { isRebuildUnfinished } from '../volumes/rebuild.ts';

/**
 * Before a service touches the store: the metadata is the one that belongs to it. A service on empty metadata would take
 * every pack for garbage.
 *
 * @throws InstallationBroken
 */
export async function assertStoreIsKnown(db: Database, blobs: BlobStore): Promise<void> {
  const remedy = 'Run "obraz fsck --rebuild" on this data directory.';
  if (await isRebuildUnfinished(db.read)) {
    throw new InstallationBroken(`a rebuild of the metadata was interrupted. ${remedy}`);
  }
  const setting = await db.read.selectFrom('settings').select('name').limit(1).executeTakeFirst();
  if (setting !== undefined) return;
  for await (const { name } of blobs.list()) {
    throw new InstallationBroken(
      `there are packs (${name} and maybe others), but the metadata is new: it was lost or is another one. ${remedy}`,
    );
  }
}
