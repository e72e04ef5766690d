import type { JsonValue } from '@bufbuild/protobuf';
import { ServiceError } from '../../errors.ts';

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

const space = /[ \t\n\r]*/y;
// All from the space on but the quote and the backslash, or an escape.
const string = /"(?:[ !#-[\]-\uffff]+|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const scalar = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null)(?![\w.+-])/y;

/**
 * Where text that JSON.parse refuses stops being JSON: the offset of the first character that cannot stand there, or
 * the text's length when it ends too early. (V8's own messages give a position for some mistakes only, and quote the
 * text.) In states:
 *
 *   value       a value must come            -> after
 *   first-item  a value or "]"               -> after
 *   first-key   a key or "}"                 -> colon, after
 *   key         a key must come              -> colon
 *   colon       ":" must come                -> value
 *   after       "," or the closing bracket   -> value or key, after
 */
function jsonErrorPosition(text: string): number {
  const open: ('[' | '{')[] = [];
  let state: 'value' | 'first-item' | 'first-key' | 'key' | 'colon' | 'after' = 'value';
  let position = 0;
  const skip = (token: RegExp): boolean => {
    token.lastIndex = position;
    if (!token.test(text)) return false;
    position = token.lastIndex;
    return true;
  };
  for (;;) {
    skip(space);
    const character = text[position];
    if (character === undefined) return text.length;
    const container = open.at(-1);
    const closes = character === (container === '{' ? '}' : ']') && container !== undefined;
    if (closes && (state === 'after' || state === 'first-item' || state === 'first-key')) {
      open.pop();
      position += 1;
      state = 'after';
    } else if (state === 'after') {
      if (character !== ',' || container === undefined) return position;
      position += 1;
      state = container === '{' ? 'key' : 'value';
    } else if (state === 'colon') {
      if (character !== ':') return position;
      position += 1;
      state = 'value';
    } else if (state === 'key' || state === 'first-key') {
      if (!skip(string)) return position;
      state = 'colon';
    } else if (character === '{' || character === '[') {
      open.push(character);
      position += 1;
      state = character === '{' ? 'first-key' : 'first-item';
    } else {
      if (!skip(string) && !skip(scalar)) return position;
      state = 'after';
    }
  }
}
