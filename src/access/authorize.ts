import { permissionDenied } from '../errors.ts';
import type { Subject } from './subject.ts';

/** What a resource is in; permissions are given on that. */
export type Scope = { readonly folderId: string } | { readonly cloudId: string };

/**
 * Throws PERMISSION_DENIED unless the subject has the permission there. Everything that is asked for passes through
 * here. There are no roles yet: the administrator may do everything, and nobody else anything.
 */
export async function authorize(
  { administratorId }: { readonly administratorId: string },
  subject: Subject,
  _permission: string,
  scope: Scope,
): Promise<void> {
  if (subject.id === administratorId) return;
  const place = 'folderId' in scope ? `folder ${scope.folderId}` : `cloud ${scope.cloudId}`;
  throw permissionDenied(`Permission denied to resource-manager.${place}`);
}
