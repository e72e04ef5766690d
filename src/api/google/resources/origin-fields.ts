import { resourceNumber } from '../../../lib/resource-number.ts';
import type { Origin } from '../../../resources/origin.ts';
import { diskPath, imagePath, type Link, snapshotPath } from '../naming/links.ts';
import type { Project } from '../naming/projects.ts';

/** What a resource was made from, in the fields that all of them have for it: its URL, and which incarnation of it. */
export function originFields(
  { kind, id, folderId, folderName = folderId, name, zoneId }: Origin,
  project: Project,
  link: Link,
) {
  const home = folderId === project.folderId ? project.name : folderName;
  const number = resourceNumber(id);
  switch (kind) {
    case 'image':
      return { sourceImage: link(imagePath(home, name)), sourceImageId: number };
    case 'snapshot':
      return { sourceSnapshot: link(snapshotPath(home, name)), sourceSnapshotId: number };
    case 'disk':
      return { sourceDisk: link(diskPath(home, zoneId, name)), sourceDiskId: number };
  }
}
