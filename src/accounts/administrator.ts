import { failedPrecondition, permissionDenied } from '../errors.ts';

/** The service account that the installation was made with, which may do everything. */
export interface Administrator {
  readonly administratorId: string;
  /** Of the key in the data directory: each start makes it known again. */
  readonly adminKeyId: string;
}

/**
 * Throws PERMISSION_DENIED for somebody who would become the administrator by this: whoever has rights on the folder
 * that the administrator's account is in has none on that account.
 */
export function assertMayUse(
  { administratorId }: Administrator,
  { serviceAccountId, subjectId }: { readonly serviceAccountId: string; readonly subjectId: string },
): void {
  if (serviceAccountId !== administratorId || subjectId === administratorId) return;
  throw permissionDenied(`Permission denied to iam.serviceAccount ${serviceAccountId}`);
}

/** Throws FAILED_PRECONDITION for the administrator's account: nobody could do anything without it. */
export function assertNotAdministrator({ administratorId }: Administrator, serviceAccountId: string): void {
  if (serviceAccountId !== administratorId) return;
  throw failedPrecondition('ADMINISTRATOR', "The administrator's service account cannot be deleted");
}

/** Throws FAILED_PRECONDITION for the key in the data directory, which would be back after the next start. */
export function assertNotAdminKey({ adminKeyId }: Administrator, keyId: string): void {
  if (keyId !== adminKeyId) return;
  throw failedPrecondition(
    'ADMIN_KEY',
    'This is the key in credentials/admin-key.json of the data directory: move that file away and start the service again, which makes another key, and then delete this one',
  );
}
