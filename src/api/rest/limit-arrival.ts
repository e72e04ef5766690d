import type { IncomingMessage, ServerResponse } from 'node:http';
import { answerBrokenHttp } from './broken-http.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route takes bodies that may be on their way for hours. */
    readonly isLongBody?: boolean;
  }
}

/** Gives the body of a request so long to arrive. Node's own limit is one for all routes of a server. */
export function limitArrival(request: IncomingMessage, response: ServerResponse, timeoutMs: number): void {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  if (length === undefined && encoding === undefined) return;
  const timer = setTimeout(() => {
    const late = Object.assign(new Error('the request took too long to arrive'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
    if (!request.complete) answerBrokenHttp(late, request.socket);
  }, timeoutMs);
  // A limit is no reason for a process to live on: what it limits is.
  timer.unref();
  // Not the request's own: a request that was answered before its body was read closes only with its connection.
  response.once('close', () => clearTimeout(timer));
}
