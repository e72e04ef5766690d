import { levelOf, type Permission, permissions } from './permissions.ts';

const viewOf = (service: string) => (permission: Permission) =>
  permission.startsWith(service) && levelOf(permission) === 'view';
const editOf = (service: string) => (permission: Permission) =>
  permission.startsWith(service) && levelOf(permission) !== 'admin';
const allOf = (service: string) => (permission: Permission) => permission.startsWith(service);
/** Who works in a folder may see that it is there, as the public roles have it: clients look it up by its name. */
const andItsPlace = (rule: (permission: Permission) => boolean) => (permission: Permission) =>
  rule(permission) || permission === 'resource-manager.folders.get' || permission === 'resource-manager.clouds.get';
const only =
  (...allowed: readonly Permission[]) =>
  (permission: Permission) =>
    allowed.includes(permission);

/**
 * The roles, by their public names, and which permissions each has:
 * https://yandex.cloud/en/docs/iam/roles-reference. docs/access.md says the same in words.
 */
const rules = {
  admin: allOf(''),
  editor: editOf(''),
  viewer: viewOf(''),
  'compute.admin': andItsPlace(allOf('compute.')),
  'compute.editor': andItsPlace(editOf('compute.')),
  'compute.viewer': andItsPlace(viewOf('compute.')),
  'compute.images.user': only('compute.images.get', 'compute.images.list', 'compute.images.use'),
  'resource-manager.admin': allOf('resource-manager.'),
  'resource-manager.editor': editOf('resource-manager.'),
  'resource-manager.viewer': viewOf('resource-manager.'),
  'resource-manager.clouds.member': only('resource-manager.clouds.get'),
  'resource-manager.clouds.owner': allOf(''),
} as const satisfies Readonly<Record<string, (permission: Permission) => boolean>>;

export type RoleId = keyof typeof rules;

export const roleIds: readonly RoleId[] = Object.keys(rules).filter(isRoleId);

/** Roles that say something of a cloud as a whole, and can be bound on nothing else. */
export const cloudRoleIds: ReadonlySet<RoleId> = new Set([
  'resource-manager.clouds.member',
  'resource-manager.clouds.owner',
]);

export function isRoleId(text: string): text is RoleId {
  return Object.hasOwn(rules, text);
}

const granted: ReadonlyMap<RoleId, ReadonlySet<Permission>> = new Map(
  roleIds.map((roleId) => [roleId, new Set(permissions.filter(rules[roleId]))]),
);

/** Whether the role has the permission. */
export function grants(roleId: RoleId, permission: Permission): boolean {
  return granted.get(roleId)?.has(permission) ?? false;
}

/** Every role that has the permission. */
export function rolesWith(permission: Permission): readonly RoleId[] {
  return roleIds.filter((roleId) => grants(roleId, permission));
}
