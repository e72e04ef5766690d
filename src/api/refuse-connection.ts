import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { ServiceError, type StatusCode } from '../errors.ts';
import { requestIds } from './request-ids.ts';
import { errorBody, jsonType } from './rest/rest-reply.ts';

/** What a connection is told before it is closed. */
export interface Refusal {
  /** HTTP status. */
  readonly status: number;
  readonly code: StatusCode;
  readonly reason: string;
  readonly message: string;
}

/** Answers an HTTP/1.1 client whose request nobody reads, and closes. */
export function refuseHttp1(connection: Duplex, { status, code, reason, message }: Refusal): void {
  const { requestId } = requestIds(() => undefined);
  const body = errorBody(new ServiceError({ code, reason, message }), requestId);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `content-type: ${jsonType}`,
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${requestId}`,
    'connection: close',
  ];
  connection.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  connection.resume(); // what it still sends goes nowhere, but its end is heard
}

/** Error codes of HTTP/2: RFC 9113, 7. */
export const inadequateSecurity = 0xc;
export const http11Required = 0xd;

/**
 * Tells an HTTP/2 client to go, in the two frames that it understands before anything was agreed, and closes:
 *
 *   SETTINGS   length 0, type 4, flags 0, stream 0
 *   GOAWAY     length 8 + text, type 7, flags 0, stream 0: last stream 0, error code, text
 */
export function refuseHttp2(connection: Duplex, errorCode: number, message: string): void {
  const text = Buffer.from(message);
  const frames = Buffer.alloc(9 + 9 + 8);
  frames.writeUInt8(0x4, 3);
  frames.writeUIntBE(8 + text.length, 9, 3);
  frames.writeUInt8(0x7, 12);
  frames.writeUInt32BE(errorCode, 22);
  connection.end(Buffer.concat([frames, text]));
  connection.resume();
}
