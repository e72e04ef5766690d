import type { Subject } from '../../access/subject.ts';
import { invalidField } from '../../errors.ts';

/** Whose keys are meant when the request does not say it. Throws INVALID_ARGUMENT for who has none. */
export function ownAccountId({ id, kind }: Subject): string {
  if (kind === 'serviceAccount') return id;
  throw invalidField('service_account_id', 'value is required: only service accounts have keys');
}
