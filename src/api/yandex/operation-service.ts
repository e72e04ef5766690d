import { OperationService } from '../../gen/yandex/cloud/operation/operation_service_pb.ts';
import type { Operation } from '../../operations/operation.ts';
import { type ApiService, authenticatedService } from '../api-service.ts';
import type { Authorize } from '../call.ts';
import { operationMessage } from './operation-message.ts';

/** What the service calls, with what it needs already bound; see operations/. */
export interface OperationFunctions {
  getOperation(request: { operationId: string }): Promise<Operation>;
  cancelOperation(request: { operationId: string }): Promise<Operation>;
}

export function operationService(
  { getOperation, cancelOperation }: OperationFunctions,
  authorize: Authorize,
): ApiService {
  return authenticatedService(OperationService, {
    async get({ operationId }, { subject }) {
      const operation = await getOperation({ operationId });
      await authorize(subject, 'operations.get', { folderId: operation.folderId });
      return operationMessage(operation);
    },

    async cancel({ operationId }, { subject }) {
      const { folderId } = await getOperation({ operationId });
      await authorize(subject, 'operations.cancel', { folderId });
      return operationMessage(await cancelOperation({ operationId }));
    },
  });
}
