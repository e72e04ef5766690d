import type { JsonValue } from '@bufbuild/protobuf';
import { ServiceError } from '../../errors.ts';
import { jsonErrorPosition } from './json-error-position.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The body as JSON; an empty body is an empty object. Throws INVALID_ARGUMENT that says where the text breaks. */
export function parseJsonBody(body: Uint8Array): JsonValue {
  if (body.length === 0) return {};
  let text: string;
  try {
    text = utf8.decode(body);
  } catch {
    throw malformed('it is not UTF-8');
  }
  try {
    return JSON.parse(text) as JsonValue; // JSON.parse makes nothing else
  } catch {
    const before = text.slice(0, jsonErrorPosition(text));
    const line = before.split('\n').length;
    const column = before.length - before.lastIndexOf('\n');
    const where = before.length === text.length ? 'it ends too early' : 'unexpected character';
    throw malformed(`${where} at line ${line}, column ${column}`);
  }
}

function malformed(what: string): ServiceError {
  return new ServiceError({
    code: 'INVALID_ARGUMENT',
    reason: 'MALFORMED_JSON',
    message: `The request body is not JSON: ${what}`,
  });
}
