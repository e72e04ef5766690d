import type { Operation as OperationMessage } from '../../../gen/google/cloud/compute/v1/operation_pb.ts';
import type { Operation } from '../../../operations/operation.ts';
import type { Call } from '../../call.ts';
import { told } from '../compute-errors.ts';
import type { Link } from '../naming/links.ts';
import { permissionOf } from '../naming/named-resource.ts';
import type { Project } from '../naming/projects.ts';
import { operationMessage } from './operation-message.ts';

/** What a call is about to change: `path` is how errors call it, `projects/P/global/images/I`. */
interface Target {
  readonly project: Project;
  readonly path: string;
}

/** What every method that changes something answers with: the operation that it began. Refusals are in the public service's words. */
export async function beginOperation(
  { project, path }: Target,
  { caller }: Pick<Call, 'caller'>,
  link: Link,
  begin: () => Promise<Operation>,
): Promise<OperationMessage> {
  const about = { path, permission: permissionOf(caller.method) };
  return operationMessage(await told(about, begin), project, link);
}
