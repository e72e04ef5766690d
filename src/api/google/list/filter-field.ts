import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import type { JsonObject, JsonValue } from '../../../lib/json.ts';

/** What a filter can compare: one field of a listed resource, in the words of its JSON. */
export interface FilterField {
  /** From the resource down. */
  readonly path: readonly string[];
  readonly kind: FieldKind;
}

/** Enums of this API are texts. Of a list it is what the list's elements are. */
export type FieldKind = 'text' | 'number' | 'boolean' | 'message' | 'map';

/**
 * The field that `names` lead to, by the names of JSON or of the proto; in a map the name is a key. Undefined where the
 * message has no such field.
 */
export function findFilterField(schema: DescMessage, names: readonly string[]): FilterField | undefined {
  const path: string[] = [];
  let message: DescMessage | undefined = schema;
  let kind: FieldKind = 'message';
  for (const name of names) {
    if (kind === 'map') {
      path.push(name);
      kind = 'text'; // every map of this API is of texts
      continue;
    }
    const field: DescField | undefined = message?.fields.find(
      (known) => known.jsonName === name || known.name === name,
    );
    if (field === undefined) return undefined;
    path.push(field.jsonName);
    kind = kindOf(field);
    message = field.message;
  }
  return { path, kind };
}

function kindOf(field: DescField): FieldKind {
  if (field.fieldKind === 'map') return 'map';
  if (field.message !== undefined) return 'message';
  switch (field.scalar) {
    case ScalarType.BOOL:
      return 'boolean';
    case ScalarType.STRING:
    case ScalarType.BYTES:
    case undefined:
      return 'text';
    default:
      return 'number';
  }
}

/** What the resource has at the path: nothing, one value, or the elements of the lists that the path comes by. */
export function valuesAt(resource: JsonObject, path: readonly string[]): readonly JsonValue[] {
  let values: readonly JsonValue[] = [resource];
  for (const name of path) values = values.flatMap((value) => elementsOf(memberOf(value, name)));
  return values;
}

function memberOf(value: JsonValue, name: string): JsonValue {
  if (typeof value !== 'object' || value === null || isList(value)) return null;
  return Object.hasOwn(value, name) ? (value[name] ?? null) : null;
}

function elementsOf(value: JsonValue): readonly JsonValue[] {
  if (value === null) return [];
  return isList(value) ? value : [value];
}

/** Array.isArray does not narrow a readonly array. */
function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** The value as filters see it: numbers, truth and messages as their JSON. */
export function textOf(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
