import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { Folder } from '../../folders/folder.ts';
import {
  Folder_Status,
  type Folder as FolderMessage,
  FolderSchema,
} from '../../gen/yandex/cloud/resourcemanager/v1/folder_pb.ts';

export function folderMessage({ createdAt, labels, status, ...folder }: Folder): FolderMessage {
  return create(FolderSchema, {
    ...folder,
    createdAt: timestampFromDate(createdAt),
    labels: { ...labels },
    status: Folder_Status[status],
  });
}
