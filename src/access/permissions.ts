/**
 * What may be asked for, and how much trust it takes: `view` changes nothing, `edit` changes what is stored, `admin`
 * changes who may do what, or who there is. Roles are made of these words (roles.ts), so a new permission needs one row here.
 */
type Level = 'view' | 'edit' | 'admin';

const levels = {
  'compute.images.get': 'view',
  'compute.images.list': 'view',
  /** To make an image or a disk from it, also in another folder. */
  'compute.images.use': 'view',
  'compute.images.create': 'edit',
  'compute.images.update': 'edit',
  'compute.images.delete': 'edit',
  'compute.images.listAccessBindings': 'view',
  'compute.images.updateAccessBindings': 'admin',

  'compute.disks.get': 'view',
  'compute.disks.list': 'view',
  'compute.disks.use': 'view',
  'compute.disks.create': 'edit',
  'compute.disks.update': 'edit',
  'compute.disks.delete': 'edit',
  'compute.disks.move': 'edit',
  'compute.disks.relocate': 'edit',
  'compute.disks.listAccessBindings': 'view',
  'compute.disks.updateAccessBindings': 'admin',

  'compute.snapshots.get': 'view',
  'compute.snapshots.list': 'view',
  'compute.snapshots.use': 'view',
  'compute.snapshots.create': 'edit',
  'compute.snapshots.update': 'edit',
  'compute.snapshots.delete': 'edit',
  'compute.snapshots.listAccessBindings': 'view',
  'compute.snapshots.updateAccessBindings': 'admin',

  'resource-manager.clouds.get': 'view',
  'resource-manager.clouds.create': 'admin',
  'resource-manager.clouds.update': 'edit',
  'resource-manager.clouds.delete': 'admin',
  'resource-manager.clouds.listAccessBindings': 'view',
  'resource-manager.clouds.updateAccessBindings': 'admin',

  'resource-manager.folders.get': 'view',
  'resource-manager.folders.create': 'edit',
  'resource-manager.folders.update': 'edit',
  'resource-manager.folders.delete': 'edit',
  'resource-manager.folders.listAccessBindings': 'view',
  'resource-manager.folders.updateAccessBindings': 'admin',

  'iam.serviceAccounts.get': 'view',
  'iam.serviceAccounts.list': 'view',
  'iam.serviceAccounts.create': 'admin',
  'iam.serviceAccounts.update': 'admin',
  'iam.serviceAccounts.delete': 'admin',
  /** To act as one. */
  'iam.serviceAccounts.createToken': 'admin',
  'iam.keys.get': 'view',
  'iam.keys.list': 'view',
  'iam.keys.create': 'admin',
  'iam.keys.update': 'admin',
  'iam.keys.delete': 'admin',
  'iam.accessKeys.get': 'view',
  'iam.accessKeys.list': 'view',
  'iam.accessKeys.create': 'admin',
  'iam.accessKeys.update': 'admin',
  'iam.accessKeys.delete': 'admin',

  /** To look after what all clouds have stored. It is asked for on the whole service, where no role is bound. */
  'obraz.store.manage': 'admin',
  /** To say what clouds may use. Likewise. */
  'obraz.quotas.manage': 'admin',
  /** To read who did what, in all clouds. Likewise. */
  'obraz.audit.list': 'admin',
} as const satisfies Readonly<Record<string, Level>>;

/** `SERVICE.RESOURCES.VERB`, as the public service names its permissions. */
export type Permission = keyof typeof levels;

/** All there are. */
export const permissions: readonly Permission[] = Object.keys(levels).filter(isPermission);

export function isPermission(text: string): text is Permission {
  return Object.hasOwn(levels, text);
}

export function levelOf(permission: Permission): Level {
  return levels[permission];
}
