import { type AccessDeps, isAllowed } from '../access/authorize.ts';
import type { Subject } from '../access/subject.ts';
import type { Folder } from './folder.ts';
import { findFolder, findFoldersByName } from './folder-rows.ts';

/** More folders of one name than these are not looked at. */
const maxNamesakes = 64;

/**
 * The folder with this id, whoever asks; failing that, those with this name that the subject may see, in whatever clouds: names
 * are unique in one cloud only, and nobody else's folder may stand in the way of one's own.
 */
export async function findFoldersCalled(
  deps: AccessDeps,
  idOrName: string,
  subject: Subject,
): Promise<readonly Folder[]> {
  const folder = await findFolder(deps.db.read, idOrName);
  if (folder !== undefined) return [folder];
  const visible: Folder[] = [];
  for (const named of await findFoldersByName(deps.db.read, idOrName, maxNamesakes)) {
    if (await isAllowed(deps, subject, 'resource-manager.folders.get', { folderId: named.id })) visible.push(named);
  }
  return visible;
}
