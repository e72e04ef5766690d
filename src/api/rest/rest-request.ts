import { type DescMessage, fromJson, type JsonObject, type Message } from '@bufbuild/protobuf';
import { invalidFields } from '../../errors.ts';
import { parseJsonBody } from './json-body.ts';
import { jsonMistakes } from './json-mistakes.ts';
import { fieldNamed, queryRequest } from './query-request.ts';
import type { Route } from './routes.ts';

/**
 * The request's message out of its path, its body or query. The path has the last word about its fields. Throws
 * INVALID_ARGUMENT that names what is wrong.
 */
export function restRequest(
  { method, body: inBody }: Route,
  pathFields: Readonly<Record<string, string>>,
  query: URLSearchParams,
  body: Uint8Array,
): Message {
  const schema = method.desc.input;
  const json = inBody === 'whole' ? bodyObject(body) : queryRequest(schema, query);
  for (const [name, value] of Object.entries(pathFields)) {
    delete json[name];
    json[fieldNamed(schema, name)?.jsonName ?? name] = value;
  }
  return decode(schema, json);
}

function bodyObject(body: Uint8Array): JsonObject {
  const json = parseJsonBody(body);
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return { ...json };
  throw invalidFields([{ field: 'body', description: 'must be a JSON object' }]);
}

function decode(schema: DescMessage, json: JsonObject): Message {
  try {
    return fromJson(schema, json);
  } catch {
    const mistakes = jsonMistakes(schema, json);
    throw invalidFields(
      mistakes.length > 0 ? mistakes : [{ field: 'body', description: 'is not the message asked for' }],
    );
  }
}
