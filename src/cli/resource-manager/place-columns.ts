import type { Cloud } from '../../gen/yandex/cloud/resourcemanager/v1/cloud_pb.ts';
import { type Folder, Folder_StatusSchema } from '../../gen/yandex/cloud/resourcemanager/v1/folder_pb.ts';
import { showTime } from '../columns.ts';
import type { Columns } from '../render.ts';

export const cloudColumns: Columns<Cloud> = [
  ['ID', (cloud) => cloud.id],
  ['NAME', (cloud) => cloud.name],
  ['ORGANIZATION ID', (cloud) => cloud.organizationId],
  ['DESCRIPTION', (cloud) => cloud.description],
  ['CREATED', (cloud) => showTime(cloud.createdAt)],
];

export const folderColumns: Columns<Folder> = [
  ['ID', (folder) => folder.id],
  ['NAME', (folder) => folder.name],
  ['STATUS', (folder) => Folder_StatusSchema.value[folder.status]?.name ?? `${folder.status}`],
  ['DESCRIPTION', (folder) => folder.description],
  ['CREATED', (folder) => showTime(folder.createdAt)],
];
