import type { BoundNoun } from '../access/access-binding.ts';

/** The kinds of operation on clouds, folders and bindings, as rows and doors name them. */
export const createFolderKind = 'folder.create';
export const updateFolderKind = 'folder.update';
export const deleteFolderKind = 'folder.delete';
export const createCloudKind = 'cloud.create';
export const updateCloudKind = 'cloud.update';
export const deleteCloudKind = 'cloud.delete';

/** The first word says what it is on, as in every kind. */
export function accessBindingsKind(verb: 'set' | 'update', noun: BoundNoun): string {
  return `${noun.toLowerCase()}.${verb}AccessBindings`;
}
