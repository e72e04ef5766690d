import { type DescField, type DescMessage, type JsonObject, type JsonValue, ScalarType } from '@bufbuild/protobuf';
import { invalidField } from '../../errors.ts';

/** The field that a JSON key or a parameter means: by its JSON name or by its name in the .proto. */
export function fieldNamed(schema: DescMessage, name: string): DescField | undefined {
  return schema.fields.find((field) => field.jsonName === name || field.name === name);
}

/**
 * The request that a query says, in the JSON that the JSON decoder takes: `pageSize=10` or `page_size=10`,
 * `os.type=LINUX` for a field of a field, a parameter once for each item of a list. Values are checked by the decoder.
 * Throws INVALID_ARGUMENT that names a parameter which is unknown or given twice.
 */
export function queryRequest(schema: DescMessage, query: URLSearchParams): JsonObject {
  const request: JsonObject = {};
  for (const [name, text] of query) {
    const path = name.split('.');
    const last = path.pop() ?? '';
    let message = schema;
    let parent = request;
    for (const step of path) {
      const field = fieldNamed(message, step);
      if (field?.fieldKind !== 'message') throw invalidField(name, 'unknown parameter');
      parent = objectIn(parent, field.jsonName);
      message = field.message;
    }
    const field = fieldNamed(message, last);
    if (field === undefined || field.fieldKind === 'map') throw invalidField(name, 'unknown parameter');
    if (field.fieldKind === 'list') listIn(parent, field.jsonName).push(queryValue(field, text));
    else if (Object.hasOwn(parent, field.jsonName)) throw invalidField(name, 'is given more than once');
    else parent[field.jsonName] = queryValue(field, text);
  }
  return request;
}

/** Text is what most kinds of field look like in JSON; booleans and the numbers of enum values are not. */
function queryValue(field: DescField, text: string): JsonValue {
  const isBoolean = field.scalar === ScalarType.BOOL;
  if (isBoolean && (text === 'true' || text === 'false')) return text === 'true';
  if (field.enum !== undefined && /^\d{1,9}$/.test(text)) return Number(text);
  return text;
}

function objectIn(parent: JsonObject, name: string): JsonObject {
  const present = parent[name];
  if (typeof present === 'object' && present !== null && !Array.isArray(present)) return present;
  const made: JsonObject = {};
  parent[name] = made;
  return made;
}

function listIn(parent: JsonObject, name: string): JsonValue[] {
  const present = parent[name];
  if (Array.isArray(present)) return present;
  const made: JsonValue[] = [];
  parent[name] = made;
  return made;
}
