import type { ResourceNoun } from '../errors.ts';
import type { Permission } from './permissions.ts';

/**
 * What a permission is asked for on: the whole service, a cloud or folder that something is to be done in, or one thing.
 * (The `never`s keep a thing from being taken for its folder: they are refused in different words.)
 */
export type Scope =
  | 'installation'
  | { readonly cloudId: string; readonly folderId?: never; readonly id?: never }
  | { readonly folderId: string; readonly cloudId?: never; readonly id?: never }
  | ThingScope;

/** One thing. Roles count that are bound on it, on its folder, and on that folder's cloud. */
export interface ThingScope {
  readonly noun: ResourceNoun;
  /** As the caller wrote it: a refusal says no more than that. */
  readonly id: string;
  /** Undefined when there is no such thing: then it is refused as one that may not be seen, with as much work. */
  readonly folderId: string | undefined;
  /** What it belongs to, where roles are bound on that: an attachment's disk. Undefined for the thing itself. */
  readonly boundOn?: string;
  /** The subject that may do everything with it, whatever roles it has: it began the operation, or attached. */
  readonly createdBy?: string;
  /** Who may see it is told that he may not do the rest; everybody else is told that it is not there. */
  readonly seenWith: Permission;
}

/** What is asked for by its id. */
export type ThingNoun =
  | 'Image'
  | 'Disk'
  | 'Snapshot'
  | 'Bucket'
  | 'Folder'
  | 'Cloud'
  | 'Service account'
  | 'Key'
  | 'Access key';

/** The permission to see one. */
export const seenWith = {
  Image: 'compute.images.get',
  Disk: 'compute.disks.get',
  Snapshot: 'compute.snapshots.get',
  /** What is in one is on its way to be an image: it is for those who may make some. */
  Bucket: 'compute.images.create',
  Folder: 'resource-manager.folders.get',
  Cloud: 'resource-manager.clouds.get',
  'Service account': 'iam.serviceAccounts.get',
  Key: 'iam.keys.get',
  'Access key': 'iam.accessKeys.get',
} as const satisfies Readonly<Record<ThingNoun, Permission>>;

/** A folder as the thing that is asked for, not as the place of something. */
export function folderScope(id: string): ThingScope {
  return { noun: 'Folder', id, folderId: undefined, seenWith: seenWith.Folder };
}

/** A cloud, likewise. */
export function cloudScope(id: string): ThingScope {
  return { noun: 'Cloud', id, folderId: undefined, seenWith: seenWith.Cloud };
}
