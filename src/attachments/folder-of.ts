import type { Database } from '../db/database.ts';
import { getDisk } from '../disks/get-disk.ts';
import { getImage } from '../images/get-image.ts';
import { getSnapshot } from '../snapshots/get-snapshot.ts';
import type { Attachment } from './attachment.ts';

/** The resource's folder, in which the right to attach it is asked for. Throws NOT_FOUND. */
export async function folderOf(
  deps: { readonly db: Database },
  { kind, id }: Attachment['resource'],
): Promise<{ folderId: string }> {
  switch (kind) {
    case 'disk':
      return await getDisk(deps, { diskId: id });
    case 'image':
      return await getImage(deps, { imageId: id });
    case 'snapshot':
      return await getSnapshot(deps, { snapshotId: id });
  }
}
