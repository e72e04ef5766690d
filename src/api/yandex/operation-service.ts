import { OperationService } from '../../gen/yandex/cloud/operation/operation_service_pb.ts';
import type { Operation } from '../../operations/operation.ts';
import { type ApiService, authenticatedService } from '../api-service.ts';
import { authorizeOperation } from './authorize-operation.ts';
import { operationMessage } from './operation-message.ts';

/** What the service calls, with what it needs already bound; see operations/. */
export interface OperationFunctions {
  getOperation(request: { operationId: string }): Promise<Operation>;
  cancelOperation(request: { operationId: string }): Promise<Operation>;
}

export function operationService({ getOperation, cancelOperation }: OperationFunctions): ApiService {
  return authenticatedService(OperationService, {
    async get({ operationId }, { authorize }) {
      const find = () => getOperation({ operationId });
      return operationMessage(await authorizeOperation(authorize, operationId, find, 'get'));
    },

    async cancel({ operationId }, { authorize }) {
      await authorizeOperation(authorize, operationId, () => getOperation({ operationId }), 'update');
      return operationMessage(await cancelOperation({ operationId }));
    },
  });
}
