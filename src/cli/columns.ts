import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt';
import { type Image, Image_StatusSchema } from '../gen/yandex/cloud/compute/v1/image_pb.ts';
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
