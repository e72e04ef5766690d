import { boundIds, ownBoundIds } from '../access/access-binding-rows.ts';
import type { AccessDeps } from '../access/authorize.ts';
import type { Subject } from '../access/subject.ts';
import type { Folder } from './folder.ts';
import { findFolder, findFoldersByName } from './folder-rows.ts';

/** That there is another one is all that anybody needs to know of it. */
const limit = 2;

const permission = 'resource-manager.folders.get';

/**
 * The folder with this id, whoever asks; failing that, those with this name that the subject may see, in whatever clouds: names
 * are unique in one cloud only. Nobody else's folder may stand in the way of one's own, even where its owner lets everybody see
 * it: what the subject sees by a role of everybody's counts only where there is nothing else. Two at most.
 */
export async function findFoldersCalled(
  { db, administratorId }: AccessDeps,
  idOrName: string,
  subject: Subject,
): Promise<readonly Folder[]> {
  const folder = await findFolder(db.read, idOrName);
  if (folder !== undefined) return [folder];
  const named = { name: idOrName, limit };
  if (subject.id === administratorId) return findFoldersByName(db.read, named);
  const own = await findFoldersByName(db.read, { ...named, boundOn: ownBoundIds(db.read, subject, permission) });
  if (own.length > 0) return own;
  return findFoldersByName(db.read, { ...named, boundOn: boundIds(db.read, subject, permission) });
}
