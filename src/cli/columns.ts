import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt';
import { type Disk, Disk_StatusSchema } from '../gen/yandex/cloud/compute/v1/disk_pb.ts';
import { type Image, Image_StatusSchema } from '../gen/yandex/cloud/compute/v1/image_pb.ts';
import { type Snapshot, Snapshot_StatusSchema } from '../gen/yandex/cloud/compute/v1/snapshot_pb.ts';
import type { Operation } from '../gen/yandex/cloud/operation/operation_pb.ts';
import { formatByteSize } from './byte-size.ts';
import type { Columns } from './render.ts';

export const imageColumns: Columns<Image> = [
  ['ID', (image) => image.id],
  ['NAME', (image) => image.name],
  ['FAMILY', (image) => image.family],
  ['STATUS', (image) => Image_StatusSchema.value[image.status]?.name ?? `${image.status}`],
  ['MIN DISK', (image) => formatByteSize(Number(image.minDiskSize))],
  ['STORED', (image) => formatByteSize(Number(image.storageSize))],
  ['CREATED', (image) => showTime(image.createdAt)],
];

export const diskColumns: Columns<Disk> = [
  ['ID', (disk) => disk.id],
  ['NAME', (disk) => disk.name],
  ['SIZE', (disk) => formatByteSize(Number(disk.size))],
  ['ZONE', (disk) => disk.zoneId],
  ['TYPE', (disk) => disk.typeId],
  ['STATUS', (disk) => Disk_StatusSchema.value[disk.status]?.name ?? `${disk.status}`],
  ['CREATED', (disk) => showTime(disk.createdAt)],
];

export const snapshotColumns: Columns<Snapshot> = [
  ['ID', (snapshot) => snapshot.id],
  ['NAME', (snapshot) => snapshot.name],
  ['DISK', (snapshot) => snapshot.sourceDiskId],
  ['DISK SIZE', (snapshot) => formatByteSize(Number(snapshot.diskSize))],
  ['STORED', (snapshot) => formatByteSize(Number(snapshot.storageSize))],
  ['STATUS', (snapshot) => Snapshot_StatusSchema.value[snapshot.status]?.name ?? `${snapshot.status}`],
  ['CREATED', (snapshot) => showTime(snapshot.createdAt)],
];

export const operationColumns: Columns<Operation> = [
  ['ID', (operation) => operation.id],
  ['DESCRIPTION', (operation) => operation.description],
  ['CREATED', (operation) => showTime(operation.createdAt)],
  ['CREATED BY', (operation) => operation.createdBy],
  ['STATUS', operationStatus],
];

function operationStatus(operation: Operation): string {
  if (!operation.done) return 'RUNNING';
  return operation.result.case === 'error' ? 'ERROR' : 'DONE';
}

/** To the second, in UTC, so that a column of them lines up and sorts. */
export function showTime(time: Timestamp | undefined): string {
  return time === undefined ? '' : `${timestampDate(time).toISOString().slice(0, 19)}Z`;
}
