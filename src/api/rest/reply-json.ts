import {
  createRegistry,
  type DescMessage,
  type JsonObject,
  type JsonValue,
  type Message,
  toJson,
} from '@bufbuild/protobuf';
import { EmptySchema } from '@bufbuild/protobuf/wkt';
import { file_google_rpc_error_details } from '../../gen/google/rpc/error_details_pb.ts';
import { file_obraz_v1_image_digest_service } from '../../gen/obraz/v1/image_digest_service_pb.ts';
import { file_yandex_cloud_compute_v1_image } from '../../gen/yandex/cloud/compute/v1/image_pb.ts';
import { file_yandex_cloud_compute_v1_image_service } from '../../gen/yandex/cloud/compute/v1/image_service_pb.ts';
import { OperationSchema } from '../../gen/yandex/cloud/operation/operation_pb.ts';

/** Everything that an Any in a reply may hold. */
const registry = createRegistry(
  EmptySchema,
  file_google_rpc_error_details,
  file_obraz_v1_image_digest_service,
  file_yandex_cloud_compute_v1_image,
  file_yandex_cloud_compute_v1_image_service,
);

/**
 * The message in proto3 JSON: lower camel case, 64-bit numbers as texts, enums by name, zero values left out. Operations
 * show `done` always, as clients and people expect of the public API.
 */
export function replyJson(schema: DescMessage, message: Message): string {
  return JSON.stringify(withDone(schema, toJson(schema, message, { registry })));
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
