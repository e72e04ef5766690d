import { createHash } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';

/**
 * A web server that misbehaves on purpose. What it does is a behaviour: a function that answers one request. The
 * behaviours below are small and are put together: `inTurn(cutAfter(file, 1000), honest(file))`.
 */
export type Behaviour = (request: IncomingMessage, response: ServerResponse) => void;

/** A request as the server saw it. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

export interface BadServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  readonly port: number;
  readonly seen: readonly SeenRequest[];
  /** Connections that are open now. */
  readonly sockets: ReadonlySet<Socket>;
  /** Connections ever made. */
  connectionCount(): number;
  /** Resolves when no connection is open. */
  quiet(): Promise<void>;
}

export interface BadServerOptions {
  readonly host?: string;
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** Starts the server on a free port of loop-back. It ends, with every connection, when it is disposed. */
export async function startBadServer(behaviour: Behaviour, options: BadServerOptions = {}): Promise<BadServer> {
  const seen: SeenRequest[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const answer: Behaviour = (request, response) => {
    seen.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers });
    behaviour(request, response);
  };
  const server = options.tls === undefined ? createServer(answer) : createTlsServer(options.tls, answer);
  server.on('connection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
  });
  const host = options.host ?? '127.0.0.1';
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const { port } = address;
  return {
    origin: `${options.tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    seen,
    sockets,
    connectionCount: () => connections,
    async quiet() {
      await Promise.all([...sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve))));
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What a server says of the version of its file; `undefined` leaves a header out. */
export interface Validators {
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
}

/** Gives the file and its ranges as RFC 9110 says; the ETag is strong unless told otherwise. */
export function honest(file: Uint8Array, validators: Validators = { etag: etagOf(file) }): Behaviour {
  return (request, response) => {
    const headers = headersOf(validators);
    const range = rangeOf(request, file.length);
    const ifRange = request.headers['if-range'];
    if (range === undefined || (ifRange !== undefined && ifRange !== validators.etag)) {
      response.writeHead(200, { ...headers, 'content-length': file.length, 'accept-ranges': 'bytes' }).end(file);
      return;
    }
    if (range.end <= range.start) {
      response.writeHead(416, { ...headers, 'content-range': `bytes */${file.length}` }).end();
      return;
    }
    response.writeHead(206, { ...headers, ...partHeaders(range, file.length) });
    response.end(file.subarray(range.start, range.end));
  };
}

/** Knows GET only, as pre-signed addresses do. */
export function withoutHead(inner: Behaviour): Behaviour {
  return (request, response) => (request.method === 'GET' ? inner(request, response) : status(403)(request, response));
}

/** Answers every request with the whole file, with its length or in chunks. */
export function withoutRanges(
  file: Uint8Array,
  options: { chunked?: boolean; validators?: Validators } = {},
): Behaviour {
  return (_request, response) => {
    const headers = headersOf(options.validators ?? { etag: etagOf(file) });
    response.writeHead(200, options.chunked ? headers : { ...headers, 'content-length': file.length }).end(file);
  };
}

/** Answers with the range asked for, under headers that `alter` made wrong. */
export function lying(file: Uint8Array, alter: (headers: Record<string, string>) => Record<string, string>): Behaviour {
  return (request, response) => {
    const range = rangeOf(request, file.length) ?? { start: 0, end: file.length };
    const part = file.subarray(range.start, range.end);
    const honestHeaders = { ...headersOf({ etag: etagOf(file) }), ...partHeaders(range, file.length) };
    response.writeHead(206, alter(honestHeaders)).end(part);
  };
}

/** The right headers, in chunks, and `extra` bytes more than announced (fewer, when negative). */
export function ofWrongLength(file: Uint8Array, extra: number): Behaviour {
  return (request, response) => {
    const range = rangeOf(request, file.length) ?? { start: 0, end: file.length };
    const { 'content-length': _, ...headers } = partHeaders(range, file.length);
    response.writeHead(206, { ...headersOf({ etag: etagOf(file) }), ...headers });
    const part = file.subarray(range.start, range.end);
    response.end(extra < 0 ? part.subarray(0, extra) : Buffer.concat([part, Buffer.alloc(extra, 0xee)]));
  };
}

/** The honest answer, but the connection breaks after so many bytes of its body. */
export function cutAfter(file: Uint8Array, bytes: number, validators?: Validators): Behaviour {
  return (request, response) => {
    const write = response.write.bind(response);
    const cut = (body: Uint8Array): ServerResponse => {
      if (body.length <= bytes) return response.end(body);
      write(body.subarray(0, bytes), () => response.destroy());
      return response;
    };
    honest(file, validators)(request, withEnd(response, cut));
  };
}

/** Sends so many bytes of the honest answer and then nothing, on a connection that stays open. */
export function stalledAfter(file: Uint8Array, bytes: number): Behaviour {
  return (request, response) => {
    const stall = (body: Uint8Array): ServerResponse => {
      response.write(body.subarray(0, bytes));
      return response;
    };
    honest(file)(request, withEnd(response, stall));
  };
}

/** The honest answer, `bytes` at a time. */
export function dripping(file: Uint8Array, bytes: number, everyMs: number): Behaviour {
  return (request, response) => {
    const drip = (body: Uint8Array): ServerResponse => {
      let sent = 0;
      const timer = setInterval(() => {
        response.write(body.subarray(sent, sent + bytes));
        sent += bytes;
        if (sent >= body.length) response.end();
      }, everyMs);
      response.once('close', () => clearInterval(timer));
      return response;
    };
    honest(file)(request, withEnd(response, drip));
  };
}

/** Takes requests and never answers. */
export const silent: Behaviour = () => {};

/** A body in chunks that never ends. */
export const endless: Behaviour = (_request, response) => {
  response.writeHead(200, { etag: '"endless"' });
  const block = Buffer.alloc(64 * 1024, 0x61);
  const more = () => {
    while (!response.destroyed && response.write(block)) {}
  };
  response.on('drain', more);
  more();
};

/** Headers that go on and on. */
export const headerFlood: Behaviour = (request) => {
  const { socket } = request;
  socket.write('HTTP/1.1 206 Partial Content\r\n');
  const line = Buffer.from(`x-more: ${'y'.repeat(1000)}\r\n`);
  const more = () => {
    while (!socket.destroyed && socket.write(line)) {}
  };
  socket.on('drain', more);
  more();
};

/** These bytes instead of an answer, and the end of the connection. */
export function rawBytes(bytes: string): Behaviour {
  return (request) => {
    request.socket.end(bytes);
  };
}

/** A status and nothing else. */
export function status(code: number, headers: Record<string, string> = {}): Behaviour {
  return (_request, response) => {
    response.writeHead(code, headers).end();
  };
}

/** A redirect; `to` is asked for the target of each request's path. */
export function redirecting(to: string | ((path: string) => string), code = 302): Behaviour {
  return (request, response) => {
    const location = typeof to === 'string' ? to : to(request.url ?? '');
    status(code, { location })(request, response);
  };
}

/** The first request gets the first behaviour, and so on; the last one has all that come after. */
export function inTurn(...behaviours: readonly [Behaviour, ...Behaviour[]]): Behaviour {
  let requests = 0;
  return (request, response) => {
    const behaviour = behaviours[Math.min(requests, behaviours.length - 1)] ?? behaviours[0];
    requests += 1;
    behaviour(request, response);
  };
}

/** A behaviour for each path, and 404 for the others. */
export function byPath(routes: Readonly<Record<string, Behaviour>>): Behaviour {
  return (request, response) => {
    const path = (request.url ?? '').split('?')[0] ?? '';
    (routes[path] ?? status(404))(request, response);
  };
}

/** Bytes that look random and are the same in every run. */
export function testBytes(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

export function etagOf(file: Uint8Array): string {
  return `"${createHash('sha256').update(file).digest('hex').slice(0, 16)}"`;
}

interface ByteRange {
  readonly start: number;
  readonly end: number;
}

function rangeOf(request: IncomingMessage, sizeBytes: number): ByteRange | undefined {
  const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
  return match === null ? undefined : { start: Number(match[1]), end: Math.min(Number(match[2]) + 1, sizeBytes) };
}

function partHeaders({ start, end }: ByteRange, sizeBytes: number): Record<string, string> {
  return { 'content-length': String(end - start), 'content-range': `bytes ${start}-${end - 1}/${sizeBytes}` };
}

function headersOf({ etag, lastModified }: Validators): Record<string, string> {
  return {
    ...(etag === undefined ? {} : { etag }),
    ...(lastModified === undefined ? {} : { 'last-modified': lastModified }),
  };
}

/** The response with another way to end a body. */
function withEnd(response: ServerResponse, end: (body: Uint8Array) => ServerResponse): ServerResponse {
  return Object.assign(response, {
    end: (body: unknown) => {
      Reflect.deleteProperty(response, 'end');
      return body instanceof Uint8Array ? end(body) : response.end();
    },
  });
}
