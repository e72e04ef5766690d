import { type DescMessage, type MessageShape, toJson } from '@bufbuild/protobuf';
import type { JsonObject } from '../../lib/json.ts';

/** The JSON of a message of this API, which is always an object. */
export function jsonOf<S extends DescMessage>(schema: S, message: MessageShape<S>): JsonObject {
  const json = toJson(schema, message);
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json;
  throw new Error(`${schema.typeName} is no object in JSON`);
}
