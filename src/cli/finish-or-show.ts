import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { DiskSchema } from '../gen/yandex/cloud/compute/v1/disk_pb.ts';
import { ImageSchema } from '../gen/yandex/cloud/compute/v1/image_pb.ts';
import { SnapshotSchema } from '../gen/yandex/cloud/compute/v1/snapshot_pb.ts';
import { KeySchema } from '../gen/yandex/cloud/iam/v1/key_pb.ts';
import { ServiceAccountSchema } from '../gen/yandex/cloud/iam/v1/service_account_pb.ts';
import { type Operation, OperationSchema } from '../gen/yandex/cloud/operation/operation_pb.ts';
import { CloudSchema } from '../gen/yandex/cloud/resourcemanager/v1/cloud_pb.ts';
import { FolderSchema } from '../gen/yandex/cloud/resourcemanager/v1/folder_pb.ts';
import { diskColumns, imageColumns, operationColumns, snapshotColumns } from './columns.ts';
import { followOperation } from './follow-operation.ts';
import { keyColumns, serviceAccountColumns } from './iam/iam-columns.ts';
import { showOne } from './render.ts';
import { cloudColumns, folderColumns } from './resource-manager/place-columns.ts';
import type { Session } from './session.ts';

/** Waits for the operation and prints the image, the disk or what else it made, if anything; with --async prints the operation at once. */
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
  if (result.case !== 'response') return;
  const image = anyUnpack(result.value, ImageSchema);
  if (image !== undefined) await showOne(session, ImageSchema, image, imageColumns);
  const disk = anyUnpack(result.value, DiskSchema);
  if (disk !== undefined) await showOne(session, DiskSchema, disk, diskColumns);
  const snapshot = anyUnpack(result.value, SnapshotSchema);
  if (snapshot !== undefined) await showOne(session, SnapshotSchema, snapshot, snapshotColumns);
  const account = anyUnpack(result.value, ServiceAccountSchema);
  if (account !== undefined) await showOne(session, ServiceAccountSchema, account, serviceAccountColumns);
  const key = anyUnpack(result.value, KeySchema);
  if (key !== undefined) await showOne(session, KeySchema, key, keyColumns);
  const folder = anyUnpack(result.value, FolderSchema);
  if (folder !== undefined) await showOne(session, FolderSchema, folder, folderColumns);
  const cloud = anyUnpack(result.value, CloudSchema);
  if (cloud !== undefined) await showOne(session, CloudSchema, cloud, cloudColumns);
}
