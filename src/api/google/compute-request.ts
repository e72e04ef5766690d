import {
  type DescField,
  type DescMessage,
  fromJson,
  type JsonObject,
  type JsonValue,
  type Message,
} from '@bufbuild/protobuf';
import { SnapshotSchema } from '../../gen/google/cloud/compute/v1/snapshot_pb.ts';
import { parseJsonBody } from '../rest/json-body.ts';
import { jsonMistakes } from '../rest/json-mistakes.ts';
import { fieldNamed, queryRequest } from '../rest/query-request.ts';
import type { Route } from '../rest/routes.ts';
import { invalidValue, malformed } from './compute-errors.ts';

/** Parameters that every method has and that change nothing here: how the reply looks, whom to bill, which key. */
const standardParameters: ReadonlySet<string> = new Set([
  'access_token',
  'alt',
  'callback',
  'fields',
  'key',
  'oauth_token',
  'prettyPrint',
  'quotaUser',
  'userIp',
  'uploadType',
  'upload_protocol',
  'returnPartialSuccess',
]);

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const zeroUuid = '00000000-0000-0000-0000-000000000000';

/** What a client gives to have a request that it sends again known again. Throws INVALID_ARGUMENT unless it is a UUID. */
export function requestIdOf(query: URLSearchParams): string | undefined {
  const id = query.get('requestId') ?? query.get('request_id');
  if (id === null || id === '') return undefined;
  if (uuid.test(id) && id !== zeroUuid) return id.toLowerCase();
  throw invalidValue('requestId', id, 'Must be a UUID other than the zero UUID.');
}

/**
 * The request's message out of its path, its query and its body, which is one field of it. Throws INVALID_ARGUMENT that names
 * what is wrong.
 */
export function computeRequest(
  { method, body: bodyField }: Route,
  pathFields: Readonly<Record<string, string>>,
  query: URLSearchParams,
  body: Uint8Array,
): Message {
  const schema = method.desc.input;
  const json = queryRequest(schema, ownParameters(schema, query));
  if (typeof bodyField === 'object') json[bodyField.jsonName] = bodyObject(bodyField, body);
  for (const [name, value] of Object.entries(pathFields)) json[fieldNamed(schema, name)?.jsonName ?? name] = value;
  try {
    return fromJson(schema, json);
  } catch {
    const [mistake] = jsonMistakes(schema, json);
    throw malformed(
      mistake === undefined ? 'it is not the message asked for' : `${mistake.field} ${mistake.description}`,
    );
  }
}

/** The method's own parameters. Booleans come as Python writes them, too. */
function ownParameters(schema: DescMessage, query: URLSearchParams): URLSearchParams {
  const own = new URLSearchParams();
  for (const [name, value] of query) {
    if (standardParameters.has(name) || name.startsWith('$')) continue;
    const field = fieldNamed(schema, name);
    if (field === undefined) {
      throw malformed(`Unknown name "${name.slice(0, 80)}": Cannot bind query parameter.`);
    }
    if (own.has(field.jsonName)) throw malformed(`Parameter "${field.jsonName}" is given more than once.`);
    own.append(field.jsonName, value === 'True' || value === 'False' ? value.toLowerCase() : value);
  }
  return own;
}

/**
 * What clients send although the public service has no such field and takes it: Terraform's provider says in which zone a
 * snapshot's disk is, where its URL does already.
 */
const strays: Readonly<Record<string, string>> = { [SnapshotSchema.typeName]: 'zone' };

/** An empty body is an empty message, and so is the empty text that some clients send in its place. */
function bodyObject(field: DescField, body: Uint8Array): JsonObject {
  const json = parseJsonBody(body);
  if (json === '') return {};
  if (!isObject(json)) throw malformed('The body must be a JSON object.');
  return field.message === undefined ? json : knownFields(field.message, json, { at: field.name, path: '' });
}

/**
 * Nothing is dropped or changed in silence: what this service does not keep it does not take. But clients that are made of
 * the public service's own description send every map that they know, and say nothing by an empty one.
 */
function knownFields(
  schema: DescMessage,
  json: JsonObject,
  { at, path }: { readonly at: string; readonly path: string },
): JsonObject {
  const known: JsonObject = {};
  for (const [name, value] of Object.entries(json)) {
    const field = fieldNamed(schema, name);
    if (field === undefined) {
      if (isEmpty(value) || strays[schema.typeName] === name) continue;
      throw malformed(`Unknown name "${path}${name.slice(0, 80)}" at '${at}': Cannot find field.`);
    }
    const { message } = field;
    const inner = { at, path: `${path}${field.jsonName}.` };
    const clean = (item: JsonValue) => {
      if (isInexact(item)) {
        throw malformed(`Invalid value at '${at}.${path}${name}': a number of more than 53 bits must be a text.`);
      }
      return message !== undefined && isObject(item) ? knownFields(message, item, inner) : item;
    };
    if (field.fieldKind === 'map') known[name] = value;
    else known[name] = Array.isArray(value) ? value.map(clean) : clean(value);
  }
  return known;
}

/** Numbers in JSON have 53 bits: one beyond them was read as another already. */
function isInexact(value: JsonValue): boolean {
  return typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER;
}

function isEmpty(value: JsonValue): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

function isObject(json: JsonValue | undefined): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}
