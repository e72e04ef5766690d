import type { Subject } from '../../access/subject.ts';
import { ServiceError } from '../../errors.ts';
import type { Authorize } from '../call.ts';

/**
 * Authorizes a change of a resource that `get` finds. One that is gone is no reason to stop here: a Delete that is sent
 * again with its idempotency key must find its operation, and only the change itself knows that. It finds nobody's but the
 * subject's own.
 */
export async function authorizeChange(
  authorize: Authorize,
  subject: Subject,
  permission: string,
  get: () => Promise<{ readonly folderId: string }>,
): Promise<void> {
  const resource = await get().catch((error: unknown) => {
    if (error instanceof ServiceError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  });
  if (resource !== undefined) await authorize(subject, permission, resource);
}
