import type { Socket } from 'node:net';
import { type Refusal, refuseHttp1 } from '../refuse-connection.ts';

const reason = 'MALFORMED_REQUEST';
const malformed: Refusal = { status: 400, code: 'INVALID_ARGUMENT', reason, message: 'This is not an HTTP request' };

/** By the code of the parser's error. */
const refusals: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: { ...malformed, status: 431, message: 'The request headers are too large' },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    code: 'DEADLINE_EXCEEDED',
    reason: 'REQUEST_TIMEOUT',
    message: 'The request took too long to arrive',
  },
};

/** Answers what the HTTP parser gave up on, straight on the connection, and closes it. */
export function answerBrokenHttp(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
  else refuseHttp1(socket, refusals[error.code ?? ''] ?? malformed);
}
