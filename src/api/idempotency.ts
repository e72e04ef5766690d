import { createHash } from 'node:crypto';
import { type DescMessage, type Message, toJson } from '@bufbuild/protobuf';
import { invalidField } from '../errors.ts';
import type { JsonValue } from '../lib/json.ts';
import type { HeaderLookup } from './request-ids.ts';

/** Clients send a UUID; anything visible of that order is taken. */
const usable = /^[\x21-\x7e]{1,128}$/;

export function idempotencyKey(header: HeaderLookup): string | undefined {
  const key = header('idempotency-key');
  if (key === undefined) return undefined;
  if (!usable.test(key)) throw invalidField('idempotency-key', 'must be 1-128 visible ASCII characters, best a UUID');
  return key;
}

/**
 * SHA-256, in hex, of the method and what the request says. It is taken of the meaning and not of the bytes received:
 * a client that encodes its request again for a retry may order map entries differently (Go does, on purpose).
 */
export function requestHash(method: string, schema: DescMessage, request: Message): string {
  const meaning = JSON.stringify(sorted(toJson(schema, request)));
  return createHash('sha256').update(`${method}\n${meaning}`).digest('hex');
}

function sorted(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null) return value;
  if (isList(value)) return value.map(sorted);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, entry]) => [key, sorted(entry)]));
}

/** Array.isArray does not narrow a readonly array. */
function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
