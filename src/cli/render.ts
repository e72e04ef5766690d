import { createRegistry, type DescMessage, type JsonValue, type MessageShape, toJson } from '@bufbuild/protobuf';
import { EmptySchema } from '@bufbuild/protobuf/wkt';
import { file_google_rpc_error_details } from '../gen/google/rpc/error_details_pb.ts';
import { file_obraz_v1_image_digest_service } from '../gen/obraz/v1/image_digest_service_pb.ts';
import { file_obraz_v1_store_service } from '../gen/obraz/v1/store_service_pb.ts';
import { file_yandex_cloud_access_access } from '../gen/yandex/cloud/access/access_pb.ts';
import { DiskSchema } from '../gen/yandex/cloud/compute/v1/disk_pb.ts';
import { file_yandex_cloud_compute_v1_disk_service } from '../gen/yandex/cloud/compute/v1/disk_service_pb.ts';
import { ImageSchema } from '../gen/yandex/cloud/compute/v1/image_pb.ts';
import { file_yandex_cloud_compute_v1_image_service } from '../gen/yandex/cloud/compute/v1/image_service_pb.ts';
import { SnapshotSchema } from '../gen/yandex/cloud/compute/v1/snapshot_pb.ts';
import { file_yandex_cloud_compute_v1_snapshot_service } from '../gen/yandex/cloud/compute/v1/snapshot_service_pb.ts';
import { KeySchema } from '../gen/yandex/cloud/iam/v1/key_pb.ts';
import { file_yandex_cloud_iam_v1_key_service } from '../gen/yandex/cloud/iam/v1/key_service_pb.ts';
import { ServiceAccountSchema } from '../gen/yandex/cloud/iam/v1/service_account_pb.ts';
import { file_yandex_cloud_iam_v1_service_account_service } from '../gen/yandex/cloud/iam/v1/service_account_service_pb.ts';
import { file_yandex_cloud_quota_quota } from '../gen/yandex/cloud/quota/quota_pb.ts';
import { CloudSchema } from '../gen/yandex/cloud/resourcemanager/v1/cloud_pb.ts';
import { file_yandex_cloud_resourcemanager_v1_cloud_service } from '../gen/yandex/cloud/resourcemanager/v1/cloud_service_pb.ts';
import { FolderSchema } from '../gen/yandex/cloud/resourcemanager/v1/folder_pb.ts';
import { file_yandex_cloud_resourcemanager_v1_folder_service } from '../gen/yandex/cloud/resourcemanager/v1/folder_service_pb.ts';
import type { OutputFormat } from './output-format.ts';
import type { Session } from './session.ts';
import { layOutTable } from './table.ts';

/** How a message looks in a table: a heading and the text of its cell, column by column. */
export type Columns<M> = readonly (readonly [heading: string, cell: (message: M) => string])[];

/** What the Anys of operations and of errors can hold. */
const registry = createRegistry(
  file_obraz_v1_store_service,
  file_yandex_cloud_compute_v1_image_service,
  file_yandex_cloud_compute_v1_disk_service,
  file_yandex_cloud_compute_v1_snapshot_service,
  file_google_rpc_error_details,
  file_yandex_cloud_quota_quota,
  file_obraz_v1_image_digest_service,
  ImageSchema,
  DiskSchema,
  SnapshotSchema,
  file_yandex_cloud_iam_v1_service_account_service,
  file_yandex_cloud_iam_v1_key_service,
  ServiceAccountSchema,
  KeySchema,
  file_yandex_cloud_access_access,
  file_yandex_cloud_resourcemanager_v1_cloud_service,
  file_yandex_cloud_resourcemanager_v1_folder_service,
  CloudSchema,
  FolderSchema,
  EmptySchema,
);

/** What is needed to show something: the user's flags, and where to write. */
type Shown = Pick<Session, 'flags' | 'terminal'>;

/** Writes one message, as YAML unless the user wants another format. */
export async function showOne<D extends DescMessage>(
  session: Shown,
  schema: D,
  message: MessageShape<D>,
  columns: Columns<MessageShape<D>>,
): Promise<void> {
  const format = session.flags.format ?? 'yaml';
  if (format === 'table') session.terminal.out.write(toTable([message], columns));
  else session.terminal.out.write(await print(toPlain(schema, message, format), format));
}

/** Writes messages, as a table unless the user wants another format. */
export async function showMany<D extends DescMessage>(
  session: Shown,
  schema: D,
  messages: readonly MessageShape<D>[],
  columns: Columns<MessageShape<D>>,
): Promise<void> {
  const format = session.flags.format ?? 'table';
  if (format === 'table') session.terminal.out.write(toTable(messages, columns));
  else {
    const plain = messages.map((message) => toPlain(schema, message, format));
    session.terminal.out.write(await print(plain, format));
  }
}

/** Writes rows that are no messages, as a table unless the user wants another format. */
export async function showRows<R>(
  session: Shown,
  rows: readonly R[],
  columns: Columns<R>,
  toPlain: (row: R, format: OutputFormat) => JsonValue,
): Promise<void> {
  const format = session.flags.format ?? 'table';
  if (format === 'table') session.terminal.out.write(toTable(rows, columns));
  else {
    const plain = rows.map((row) => toPlain(row, format));
    session.terminal.out.write(await print(plain, format));
  }
}

function toTable<M>(messages: readonly M[], columns: Columns<M>): string {
  return layOutTable(
    columns.map(([heading]) => heading),
    messages.map((message) => columns.map(([, cell]) => cell(message))),
  );
}

function toPlain<D extends DescMessage>(schema: D, message: MessageShape<D>, format: OutputFormat): JsonValue {
  return toJson(schema, message, { registry, useProtoFieldName: format !== 'json-rest' });
}

async function print(value: JsonValue, format: OutputFormat): Promise<string> {
  if (format !== 'yaml') return `${JSON.stringify(value, null, 2)}\n`;
  const { stringify } = await import('yaml'); // 25 ms that other formats need not wait for
  return stringify(value, { lineWidth: 0 });
}
