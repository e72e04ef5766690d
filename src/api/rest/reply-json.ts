import {
  createRegistry,
  type DescFile,
  type DescMessage,
  type JsonObject,
  type JsonValue,
  type Message,
  type Registry,
  toJson,
} from '@bufbuild/protobuf';
import { EmptySchema } from '@bufbuild/protobuf/wkt';
import { file_google_rpc_error_details } from '../../gen/google/rpc/error_details_pb.ts';
import { OperationSchema } from '../../gen/yandex/cloud/operation/operation_pb.ts';
import { file_yandex_cloud_quota_quota } from '../../gen/yandex/cloud/quota/quota_pb.ts';
import type { ApiService } from '../api-service.ts';

/** Everything that an Any of an error may hold. */
export const errorTypes: Registry = createRegistry(file_google_rpc_error_details, file_yandex_cloud_quota_quota);

/**
 * Everything that an Any in a reply of these services may hold: the metadata and results of operations are messages of
 * the files that declare the services, and of those they import.
 */
export function replyTypesOf(services: readonly ApiService[]): Registry {
  const files = new Set<DescFile>();
  const collect = (file: DescFile): void => {
    if (files.has(file)) return;
    files.add(file);
    file.dependencies.forEach(collect);
  };
  for (const { desc } of services) collect(desc.file);
  return createRegistry(EmptySchema, errorTypes, ...files);
}

/**
 * The message in proto3 JSON: lower camel case, 64-bit numbers as texts, enums by name, zero values left out. Operations
 * show `done` always, as clients and people expect of the public API.
 */
export function replyJson(schema: DescMessage, message: Message, types: Registry): string {
  return JSON.stringify(withDone(schema, toJson(schema, message, { registry: types })));
}

function withDone(schema: DescMessage, json: JsonValue): JsonValue {
  if (!isObject(json)) return json;
  if (schema.typeName === OperationSchema.typeName) return { done: false, ...json };
  for (const field of schema.fields) {
    const items = json[field.jsonName];
    if (field.message === undefined || field.message.typeName !== OperationSchema.typeName) continue;
    if (Array.isArray(items)) json[field.jsonName] = items.map((item) => withDone(OperationSchema, item));
  }
  return json;
}

function isObject(json: JsonValue): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}
