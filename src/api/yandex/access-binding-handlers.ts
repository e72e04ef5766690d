import { create } from '@bufbuild/protobuf';
import type { AccessBinding, AccessBindingDelta, BoundNoun } from '../../access/access-binding.ts';
import type { Caller } from '../../access/caller.ts';
import type { ListAccessBindings } from '../../access/list-access-bindings.ts';
import {
  type ListAccessBindingsRequest,
  type ListAccessBindingsResponse,
  ListAccessBindingsResponseSchema,
  type SetAccessBindingsRequest,
  type UpdateAccessBindingsRequest,
} from '../../gen/yandex/cloud/access/access_pb.ts';
import type { Operation as OperationMessage } from '../../gen/yandex/cloud/operation/operation_pb.ts';
import type { Page } from '../../lib/page.ts';
import type { Operation } from '../../operations/operation.ts';
import type { BoundThing, CheckBindings } from '../../resource-manager/change-access-bindings.ts';
import type { Authorize } from '../authorization.ts';
import type { Call } from '../call.ts';
import { accessBindingDeltasOf, accessBindingMessage, accessBindingsOf } from './access-binding-messages.ts';
import { operationMessage } from './operation-message.ts';

/** What the handlers call, with what it needs already bound. */
export interface BindingFunctions {
  listAccessBindings(request: ListAccessBindings): Promise<Page<AccessBinding>>;
  setAccessBindings(
    thing: BoundThing,
    bindings: readonly AccessBinding[],
    caller: Caller,
    check?: CheckBindings,
  ): Promise<Operation>;
  updateAccessBindings(thing: BoundThing, deltas: readonly AccessBindingDelta[], caller: Caller): Promise<Operation>;
}

/** The three methods of the service of such things that are on who may do what with them. */
export interface BindingHandlers {
  listAccessBindings(request: ListAccessBindingsRequest, call: Call): Promise<ListAccessBindingsResponse>;
  setAccessBindings(request: SetAccessBindingsRequest, call: Call): Promise<OperationMessage>;
  updateAccessBindings(request: UpdateAccessBindingsRequest, call: Call): Promise<OperationMessage>;
}

/** `find` is the service's own way to one thing: it throws NOT_FOUND, or that the caller may not do what the method does. */
export function accessBindingHandlers(
  noun: BoundNoun,
  functions: BindingFunctions,
  find: (id: string, authorize: Authorize) => Promise<unknown>,
): BindingHandlers {
  return {
    async listAccessBindings({ resourceId, pageSize, pageToken }, { authorize }) {
      await find(resourceId, authorize);
      const page = await functions.listAccessBindings({ resourceId, pageSize: Number(pageSize), pageToken });
      return create(ListAccessBindingsResponseSchema, {
        accessBindings: page.items.map(accessBindingMessage),
        nextPageToken: page.nextPageToken,
      });
    },

    async setAccessBindings({ resourceId: id, accessBindings }, { authorize, caller }) {
      await find(id, authorize);
      const bindings = accessBindingsOf(accessBindings, noun);
      return operationMessage(await functions.setAccessBindings({ noun, id }, bindings, caller));
    },

    async updateAccessBindings({ resourceId: id, accessBindingDeltas }, { authorize, caller }) {
      await find(id, authorize);
      const deltas = accessBindingDeltasOf(accessBindingDeltas, noun);
      return operationMessage(await functions.updateAccessBindings({ noun, id }, deltas, caller));
    },
  };
}
