import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { ImageSchema } from '../gen/yandex/cloud/compute/v1/image_pb.ts';
import { type Operation, OperationSchema } from '../gen/yandex/cloud/operation/operation_pb.ts';
import { imageColumns, operationColumns } from './columns.ts';
import { followOperation } from './follow-operation.ts';
import { showOne } from './render.ts';
import type { Session } from './session.ts';

/** Waits for the operation and prints the image it made, if any; with --async prints the operation at once. */
export async function finishOrShow(
  session: Session,
  operation: Operation,
  flags: { readonly async?: boolean },
): Promise<void> {
  if (flags.async === true) {
    await showOne(session, OperationSchema, operation, operationColumns);
    return;
  }
  const { result } = await followOperation(session, operation);
  const image = result.case === 'response' ? anyUnpack(result.value, ImageSchema) : undefined;
  if (image !== undefined) await showOne(session, ImageSchema, image, imageColumns);
}
