import type { DescMethod, DescService, Message } from '@bufbuild/protobuf';
import { OperationSchema } from '../../gen/google/cloud/compute/v1/operation_pb.ts';
import { type ApiService, authenticatedService, type Handlers } from '../api-service.ts';
import type { Call } from '../call.ts';
import type { Link } from './naming/links.ts';
import { operationMessage } from './operations/operation-message.ts';

/** A service of the Compute API. A request that is sent again is answered with the operation that it started first. */
export function computeService<S extends DescService>(desc: S, handlers: Handlers<S, Call>, link: Link): ApiService {
  return authenticatedService(desc, handlers, (method: DescMethod) =>
    method.output === OperationSchema
      ? (operation, request) => {
          const project = { folderId: operation.folderId, name: projectOf(request) };
          return operationMessage(operation, project, link);
        }
      : undefined,
  );
}

/** Every request of this API names its project. */
function projectOf(request: Message): string {
  if ('project' in request && typeof request.project === 'string') return request.project;
  throw new Error(`${request.$typeName} names no project`);
}
