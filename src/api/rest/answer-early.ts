import type { IncomingMessage } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** How long a client that is told no may go on sending before its connection is cut. */
const lingerMs = 2_000;

/** An answer that is known whole. */
export interface Head {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Answers a request whose body may still be on its way: nobody waits for bytes that are not wanted. */
export function answerHead(request: FastifyRequest, reply: FastifyReply, head: Head): FastifyReply {
  if (isWhole(request.raw)) return reply.code(head.status).headers(head.headers).send(head.body);
  sendEarly(request.raw, reply.hijack(), head);
  return reply;
}

/** Whether all of the request has arrived, so that the connection can be used again. */
function isWhole(request: IncomingMessage): boolean {
  const { 'content-length': length = '0', 'transfer-encoding': encoding } = request.headers;
  return request.complete || (length === '0' && encoding === undefined);
}

/**
 * Answers while the client still sends. What it sends on is dropped for a while: a connection that is closed over unread
 * bytes is reset, and the client might never see what it was told.
 */
function sendEarly(request: IncomingMessage, { raw: response }: FastifyReply, { status, headers, body }: Head): void {
  const ownHeaders = { ...headers, 'content-length': Buffer.byteLength(body), connection: 'close' };
  response.writeHead(status, ownHeaders).flushHeaders();
  response.write(body);
  const end = () => {
    clearTimeout(timer);
    response.end(() => request.destroy());
  };
  const timer = setTimeout(end, lingerMs);
  request.once('end', end).once('close', end).on('error', end).resume();
}
