import type { Permission } from '../../access/permissions.ts';
import type { Scope } from '../../access/scope.ts';
import { notFound } from '../../errors.ts';
import type { Operation } from '../../operations/operation.ts';
import type { Authorize } from '../authorization.ts';
import { unlessMissing } from '../authorized.ts';

/** What it takes to see an operation, and to cancel it: what it takes to see, and to change, what it is on. */
interface OperationPermissions {
  readonly get: Permission;
  readonly update: Permission;
}

/** By the first word of the operation's kind. */
const permissionsByNoun: Readonly<Record<string, OperationPermissions>> = {
  image: { get: 'compute.images.get', update: 'compute.images.update' },
  disk: { get: 'compute.disks.get', update: 'compute.disks.update' },
  snapshot: { get: 'compute.snapshots.get', update: 'compute.snapshots.update' },
  folder: { get: 'resource-manager.folders.get', update: 'resource-manager.folders.update' },
  cloud: { get: 'resource-manager.clouds.get', update: 'resource-manager.clouds.update' },
  serviceAccount: { get: 'iam.serviceAccounts.get', update: 'iam.serviceAccounts.update' },
  key: { get: 'iam.keys.get', update: 'iam.keys.update' },
};

/** Of the store, and what there is no operation of: the administrator's. */
const ofStore = { get: 'obraz.store.manage', update: 'obraz.store.manage' } as const;

/**
 * The operation, once the caller may do so with it. Who began it may always; so does everybody who may do it with what it
 * is on, which may be gone: then what was its folder counts.
 */
export async function authorizeOperation(
  authorize: Authorize,
  id: string,
  find: () => Promise<Operation>,
  verb: keyof OperationPermissions,
): Promise<Operation> {
  const operation = await unlessMissing(find);
  const permissions = permissionsOf(operation);
  await authorize(scopeOf(id, operation, permissions.get), permissions[verb]);
  if (operation === undefined) throw notFound('Operation', id);
  return operation;
}

function permissionsOf(operation: Operation | undefined): OperationPermissions {
  const noun = operation?.kind.split('.')[0] ?? '';
  return permissionsByNoun[noun] ?? ofStore;
}

/** Operations on the store are in a folder, as all are, but none of its resources: no role there counts. */
function scopeOf(id: string, operation: Operation | undefined, seenWith: Permission): Scope {
  const isOfFolder = operation !== undefined && seenWith !== ofStore.get;
  return {
    noun: 'Operation',
    id,
    folderId: isOfFolder ? operation.folderId : undefined,
    ...(operation === undefined ? {} : { boundOn: operation.resourceId, createdBy: operation.createdBy }),
    seenWith,
  };
}
