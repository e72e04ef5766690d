import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { NodeWithDevices } from '../../attachments/list-nodes.ts';
import type { RemovedNode } from '../../attachments/remove-node.ts';
import {
  ListNodesResponseSchema,
  type NodeSchema,
  NodeService,
  RemoveNodeResponseSchema,
} from '../../gen/obraz/v1/node_service_pb.ts';
import { type ApiService, authenticatedService } from '../api-service.ts';

/** What the service calls, with what it needs already bound; see attachments/. */
export interface NodeFunctions {
  listNodes(): Promise<readonly NodeWithDevices[]>;
  removeNode(request: { readonly nodeId: string }): Promise<RemovedNode>;
}

export function nodeService(nodes: NodeFunctions): ApiService {
  return authenticatedService(NodeService, {
    async list(_request, { authorize }) {
      await authorize('installation');
      return create(ListNodesResponseSchema, { nodes: (await nodes.listNodes()).map(nodeMessage) });
    },

    async remove({ nodeId }, { authorize }) {
      await authorize('installation');
      const { diskIds, attachmentCount } = await nodes.removeNode({ nodeId });
      return create(RemoveNodeResponseSchema, { diskIds: [...diskIds], attachmentCount: BigInt(attachmentCount) });
    },
  });
}

function nodeMessage(node: NodeWithDevices): MessageInitShape<typeof NodeSchema> {
  return {
    id: node.id,
    roles: [...node.roles],
    running: node.isThere,
    startedAt: timestampFromDate(node.startedAt),
    ...(node.seenAt.getTime() === 0 ? {} : { seenAt: timestampFromDate(node.seenAt) }),
    nbdUrl: node.nbdUrl,
    diskCount: BigInt(node.diskCount),
    attachmentCount: BigInt(node.attachmentCount),
  };
}
