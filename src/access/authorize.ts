import type { Database } from '../db/database.ts';
import { notFound, permissionDenied, type ServiceError } from '../errors.ts';
import { findRoles, type RolePlaces } from './access-binding-rows.ts';
import type { Permission } from './permissions.ts';
import type { RoleCache } from './role-cache.ts';
import { grants, type RoleId } from './roles.ts';
import type { Scope, ThingScope } from './scope.ts';
import type { Subject } from './subject.ts';

export interface AccessDeps {
  readonly db: Database;
  /** May everything, by no binding: so nobody can take that away, and an installation is never without somebody who can. */
  readonly administratorId: string;
  readonly roles: RoleCache;
}

/**
 * Everything that is asked for passes through here. Throws unless the subject has the permission there: PERMISSION_DENIED for
 * a folder or cloud that is named as the place, whether there is one or not, and for a thing that may be seen; NOT_FOUND, in
 * the words of a thing that is not there, for one that may not.
 */
export async function authorize(
  deps: AccessDeps,
  subject: Subject,
  permission: Permission,
  scope: Scope,
): Promise<void> {
  if (subject.id === deps.administratorId || isAuthor(subject, scope)) return;
  const roles = await rolesOn(deps, subject, scope, permission);
  if (!anyGrants(roles, permission)) throw refusal(scope, roles);
}

/** Whether the subject has the permission there, for lists that show only what may be seen. */
export async function isAllowed(
  deps: AccessDeps,
  subject: Subject,
  permission: Permission,
  scope: Scope,
): Promise<boolean> {
  if (subject.id === deps.administratorId) return true;
  return anyGrants(await rolesOn(deps, subject, scope, permission), permission);
}

/** The subject's roles there; of those that are known already only if they are enough. */
async function rolesOn(
  { db, roles }: AccessDeps,
  subject: Subject,
  scope: Scope,
  permission: Permission,
): Promise<readonly RoleId[]> {
  if (scope === 'installation') return [];
  const places = placesOf(scope);
  const placeId = places.folderId ?? places.cloudId ?? '';
  const known = roles.get(subject, placeId);
  if (known !== undefined && anyGrants(known, permission)) return known;
  const { own, above } = await roles.read(subject, placeId, () => findRoles(db.read, subject, places));
  return [...own, ...above];
}

/** Where roles count. What counts on a folder or a cloud as a thing is what counts in it. */
function placesOf(scope: Exclude<Scope, 'installation'>): RolePlaces {
  if (!('noun' in scope)) return scope;
  if (scope.noun === 'Folder') return { folderId: scope.id };
  if (scope.noun === 'Cloud') return { cloudId: scope.id };
  return { resourceId: scope.boundOn ?? scope.id, folderId: scope.folderId };
}

/** What is no resource of a folder but a subject's doing may always be seen by that subject. */
function isAuthor(subject: Subject, scope: Scope): boolean {
  return scope !== 'installation' && 'noun' in scope && scope.createdBy === subject.id;
}

function anyGrants(roles: readonly RoleId[], permission: Permission): boolean {
  return roles.some((role) => grants(role, permission));
}

function refusal(scope: Scope, roles: readonly RoleId[]): ServiceError {
  if (scope === 'installation') return permissionDenied('Permission denied: this is for the administrator alone');
  if (!('noun' in scope)) {
    const place = scope.folderId === undefined ? `cloud ${scope.cloudId}` : `folder ${scope.folderId}`;
    return permissionDenied(`Permission denied to resource-manager.${place}`);
  }
  return anyGrants(roles, scope.seenWith)
    ? permissionDenied(`Permission denied to ${publicName(scope)} ${scope.id}`)
    : notFound(scope.noun, scope.id);
}

/** `compute.image`: the kind as the permission to see it has it, in the singular. */
function publicName({ seenWith }: ThingScope): string {
  return seenWith.slice(0, seenWith.lastIndexOf('.')).replace(/s$/, '');
}
