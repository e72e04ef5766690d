import type { IncomingMessage } from 'node:http';
import { ServiceError } from '../../../errors.ts';
import { BodyBroken, receiveBody } from '../../../uploads/receive-body.ts';
import { parseJsonBody } from '../../rest/json-body.ts';
import { invalidArgument } from './storage-query.ts';

/** What is said of a bucket or an object: the public API takes no more of it. */
export const maxJsonBytes = 64 * 1024;
const arrivalMs = 60_000;

/** A body of JSON; an empty one is an empty object. Throws INVALID_ARGUMENT, RESOURCE_EXHAUSTED and BodyBroken. */
export async function readJson(
  body: IncomingMessage,
  leaving: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  const late = AbortSignal.timeout(arrivalMs);
  await receiveBody(body, AbortSignal.any([leaving, late]), (piece) => {
    length += piece.length;
    if (length > maxJsonBytes) throw tooLarge();
    pieces.push(piece);
    return undefined;
  }).catch((error: unknown) => {
    throw late.aborted ? new BodyBroken(error) : error;
  });
  return jsonObject(Buffer.concat(pieces));
}

/** Throws INVALID_ARGUMENT for anything but a JSON object. */
export function jsonObject(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  const json = parseJsonBody(bytes);
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw invalidArgument('Parse Error');
  return json;
}

export function tooLarge(): ServiceError {
  const message = `The JSON of the request is too large: at most ${maxJsonBytes} bytes are taken`;
  return new ServiceError({ code: 'RESOURCE_EXHAUSTED', reason: 'REQUEST_TOO_LARGE', message });
}
