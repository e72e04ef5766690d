import {
  type DescField,
  type DescMessage,
  fromJson,
  type JsonObject,
  type JsonValue,
  ScalarType,
} from '@bufbuild/protobuf';
import type { FieldViolation } from '../../errors.ts';
import { fieldNamed } from './query-request.ts';

/** More are not shown to the caller. */
const maxMistakes = 8;

/**
 * Why JSON is not a message of this type, field by field, with the fields' paths in proto names. The decoder itself
 * stops at its first mistake and names no path; so this decodes each field by itself, after the decoder has refused
 * the whole.
 */
export function jsonMistakes(schema: DescMessage, json: JsonValue, path = ''): FieldViolation[] {
  if (!isObject(json)) return [{ field: path === '' ? 'body' : path, description: 'must be a JSON object' }];
  const mistakes: FieldViolation[] = [];
  for (const [key, value] of Object.entries(json)) {
    if (mistakes.length >= maxMistakes) break;
    const field = fieldNamed(schema, key);
    if (field === undefined) mistakes.push({ field: join(path, key), description: 'unknown field' });
    else mistakes.push(...fieldMistakes(schema, field, value, join(path, field.name)));
  }
  mistakes.push(...oneofMistakes(schema, json, path));
  return mistakes;
}

/** The mistakes that no field shows alone: of the fields of a oneof only one may be given. */
function oneofMistakes(schema: DescMessage, json: JsonObject, path: string): FieldViolation[] {
  return schema.oneofs.flatMap(({ name, fields }) => {
    const given = Object.keys(json).filter((key) => {
      const field = fieldNamed(schema, key);
      // To the decoder, null in the place of a value is nothing.
      return field !== undefined && fields.includes(field) && (json[key] !== null || field.fieldKind === 'message');
    });
    if (given.length < 2) return [];
    const all = fields.map((field) => field.name).join(', ');
    return [{ field: join(path, name), description: `${given.join(' and ')} exclude each other: give one of ${all}` }];
  });
}

function fieldMistakes(schema: DescMessage, field: DescField, value: JsonValue, path: string): FieldViolation[] {
  try {
    fromJson(schema, { [field.jsonName]: value });
    return [];
  } catch {
    // Messages with a JSON form of their own (times, field masks) are values here, not objects with fields.
    const hasFields = field.fieldKind === 'message' && !field.message.typeName.startsWith('google.protobuf.');
    if (hasFields && isObject(value)) return jsonMistakes(field.message, value, path);
    return [{ field: path, description: `must be ${expected(field)}` }];
  }
}

function expected(field: DescField): string {
  if (field.fieldKind === 'list') return `a list, each item ${expectedOne(field)}`;
  if (field.fieldKind === 'map') return `an object, each value ${expectedOne(field)}`;
  return expectedOne(field);
}

function expectedOne({ scalar, enum: values, message }: DescField): string {
  if (values !== undefined) return `one of ${values.values.map(({ name }) => name).join(', ')}`;
  if (message?.typeName === 'google.protobuf.FieldMask') return 'a text of comma-separated field names';
  if (message !== undefined) return 'an object';
  if (scalar === ScalarType.STRING) return 'a text';
  if (scalar === ScalarType.BOOL) return 'true or false';
  return 'a whole number';
}

function isObject(json: JsonValue): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}
