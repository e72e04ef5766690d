import { create } from '@bufbuild/protobuf';
import { type Any, anyPack, EmptySchema, timestampFromDate } from '@bufbuild/protobuf/wkt';
import { ImageSchema } from '../../gen/yandex/cloud/compute/v1/image_pb.ts';
import {
  CreateImageMetadataSchema,
  DeleteImageMetadataSchema,
  UpdateImageMetadataSchema,
} from '../../gen/yandex/cloud/compute/v1/image_service_pb.ts';
import { type Operation as OperationMessage, OperationSchema } from '../../gen/yandex/cloud/operation/operation_pb.ts';
import { imageFromJson, sourceFromJson } from '../../images/image-json.ts';
import { createImageKind, deleteImageKind, digestImageKind, updateImageKind } from '../../images/operation-names.ts';
import { checkStoreKind, compactStoreKind, scrubStoreKind } from '../../maintenance/operation-names.ts';
import type { Operation } from '../../operations/operation.ts';
import { toStatus } from '../error-status.ts';
import { digestMessages } from '../obraz/image-digest-messages.ts';
import { compactionMessages, reportMessages } from '../obraz/store-messages.ts';
import { accessOperationMessages } from './access-operation-messages.ts';
import { cloudOperationMessages } from './cloud-operation-messages.ts';
import { diskOperationMessages } from './disk-operation-messages.ts';
import { folderOperationMessages } from './folder-operation-messages.ts';
import { iamOperationMessages } from './iam-operation-messages.ts';
import { imageMessage } from './image-message.ts';
import { importProgressMessage } from './import-progress-message.ts';
import type { KindMessages } from './kind-messages.ts';
import { snapshotOperationMessages } from './snapshot-operation-messages.ts';

/** By the operation's kind. Clients insist on exactly these types: they are those of yandex.cloud.api.operation. */
const messagesByKind: Readonly<Record<string, KindMessages>> = {
  [createImageKind]: {
    metadata: ({ resourceId: imageId, done, progress }) => {
      // An image made from another image was done at once and never made progress.
      const shown = done && progress === undefined ? {} : { progress: importProgressMessage(progress) };
      return anyPack(CreateImageMetadataSchema, create(CreateImageMetadataSchema, { imageId, ...shown }));
    },
    response: imageResponse,
  },
  [updateImageKind]: {
    metadata: ({ resourceId: imageId }) =>
      anyPack(UpdateImageMetadataSchema, create(UpdateImageMetadataSchema, { imageId })),
    response: imageResponse,
  },
  [deleteImageKind]: {
    metadata: ({ resourceId: imageId }) =>
      anyPack(DeleteImageMetadataSchema, create(DeleteImageMetadataSchema, { imageId })),
    response: () => anyPack(EmptySchema, create(EmptySchema)),
  },
  [digestImageKind]: digestMessages,
  ...diskOperationMessages,
  ...snapshotOperationMessages,
  ...folderOperationMessages,
  ...cloudOperationMessages,
  ...accessOperationMessages,
  ...iamOperationMessages,
  [checkStoreKind]: reportMessages,
  [scrubStoreKind]: reportMessages,
  [compactStoreKind]: compactionMessages,
};

/** The operation as clients see it. Throws for a kind that this version does not know. */
export function operationMessage(operation: Operation): OperationMessage {
  const messages = messagesByKind[operation.kind];
  if (messages === undefined) throw new Error(`no messages for operations of kind ${operation.kind}`);
  return create(OperationSchema, {
    id: operation.id,
    description: operation.description,
    createdAt: timestampFromDate(operation.createdAt),
    createdBy: operation.createdBy,
    modifiedAt: timestampFromDate(operation.modifiedAt),
    done: operation.done,
    metadata: messages.metadata(operation),
    result: resultOf(operation, messages),
  });
}

function resultOf({ done, error, result }: Operation, messages: KindMessages): OperationMessage['result'] {
  if (!done) return { case: undefined };
  if (error !== undefined) return { case: 'error', value: toStatus(error, undefined) };
  return { case: 'response', value: messages.response(result) };
}

function imageResponse(result: unknown): Any {
  return anyPack(ImageSchema, imageMessage(imageFromJson(result), sourceFromJson(result)));
}
