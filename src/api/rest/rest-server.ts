import { createServer, IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type FastifyInstance, fastify } from 'fastify';
import type { ApiService } from '../api-service.ts';
import type { CallGate } from '../call-gate.ts';
import { addBatchRoute } from '../google/batch/batch-route.ts';
import { addComputeRoutes } from '../google/compute-door.ts';
import type { StorageFunctions } from '../google/storage/storage-functions.ts';
import { addStorageRoutes } from '../google/storage/storage-routes.ts';
import type { UploadFunctions } from '../obraz/upload-service.ts';
import type { PipelineDeps } from '../pipeline.ts';
import type { S3Functions } from '../s3/s3-call.ts';
import { addS3Route, rewriteS3Url } from '../s3/s3-route.ts';
import type { UnsentReplies } from '../unsent-replies.ts';
import { answerBrokenHttp } from './broken-http.ts';
import { type ContentFunctions, contentRoute, imageContent } from './image-content.ts';
import { extentsRoute, imageExtents } from './image-extents.ts';
import { limitArrival } from './limit-arrival.ts';
import { addMetricsRoute, type MetricsText } from './metrics-route.ts';
import { replyTypesOf } from './reply-json.ts';
import { jsonType } from './rest-reply.ts';
import { answerRefused, answerRpc } from './rest-rpc.ts';
import { routesOf } from './routes.ts';
import { serveStreamed } from './streamed-call.ts';
import { addTokenRoute, type TokenRouteDeps } from './token-route.ts';
import { addUploadRoutes } from './tus/upload-routes.ts';

/** No request of this API comes near it. */
const maxBodyBytes = 1024 * 1024;
/** Room for long tokens and pre-signed links in a query. */
const maxHeaderBytes = 32 * 1024;
const headersTimeoutMs = 10_000;
const requestTimeoutMs = 60_000;
/** A connection on which nothing moves for so long is cut: a reader of content that stopped reading, most likely. */
const silenceTimeoutMs = 120_000;
/** Longer than load balancers keep theirs, so that it is they who close. */
const keepAliveTimeoutMs = 75_000;

export interface RestDeps extends PipelineDeps, TokenRouteDeps {
  /** Bound the files that are being sent to us, and the contents that are being read. */
  readonly bodies: CallGate;
  readonly contents: CallGate;
  readonly unsent: UnsentReplies;
  readonly uploads: UploadFunctions;
  readonly content: ContentFunctions;
  readonly storage: StorageFunctions & S3Functions;
  /** Undefined where there are none. */
  readonly metrics: MetricsText | undefined;
}

/** The REST door: takes connections that speak HTTP/1.1, with TLS already off. */
export interface RestDoor {
  accept(connection: Duplex): void;
  /** Connections that are open. */
  readonly openCount: number;
  /** From now on /health says 503, and every reply closes its connection. */
  stopServing(): void;
  /** Lets running requests end for at most so long, then cuts. Resolves when all connections are gone. */
  close(options: { graceMs: number }): Promise<void>;
}

/** @param computeServices those of the Compute Engine API, whose requests, replies and errors are of another form */
export async function createRestDoor(
  deps: RestDeps,
  services: readonly ApiService[],
  computeServices: readonly ApiService[],
): Promise<RestDoor> {
  let serving = true;
  let server: Server | undefined;
  const app = fastify({
    bodyLimit: maxBodyBytes,
    exposeHeadRoutes: false,
    rewriteUrl: rewriteS3Url,
    routerOptions: { maxParamLength: maxHeaderBytes },
    frameworkErrors: (error, request, reply) => void answerRefused(deps, error, request, reply),
    serverFactory: (handler) => {
      server = createServer(
        {
          maxHeaderSize: maxHeaderBytes,
          headersTimeout: headersTimeoutMs,
          requestTimeout: 0, // an upload may take hours; all others have limitArrival
          keepAliveTimeout: keepAliveTimeoutMs,
          connectionsCheckingInterval: 1_000,
        },
        handler,
      );
      server.timeout = silenceTimeoutMs;
      return server;
    },
    clientErrorHandler: answerBrokenHttp,
  });
  // Whatever the content type says, and curl says the wrong one by default, a body of this API is JSON.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.setErrorHandler((error, request, reply) => answerRefused(deps, error, request, reply));
  app.addHook('onRequest', async ({ raw, routeOptions }, reply) => {
    // A request out of a batch is here already, and on no connection of its own.
    const isOutOfBatch = !(raw instanceof IncomingMessage);
    if (!routeOptions.config.isLongBody && !isOutOfBatch) limitArrival(raw, reply.raw, requestTimeoutMs);
  });
  app.addHook('onSend', async (_request, reply, payload) => {
    if (!serving) reply.header('connection', 'close');
    if (typeof payload !== 'string') return;
    const bytes = Buffer.byteLength(payload);
    reply.raw.once('close', deps.unsent.add({ bytes, cut: () => reply.raw.destroy() }));
  });
  app.get('/health', async (_request, reply) =>
    reply
      .code(serving ? 200 : 503)
      .type(jsonType)
      .send(JSON.stringify({ status: serving ? 'SERVING' : 'NOT_SERVING' })),
  );
  const { metrics } = deps;
  if (metrics !== undefined) addMetricsRoute(app, { ...deps, metrics });
  addTokenRoute(app, deps);
  addContentRoutes(app, deps);
  await app.register((scope) => addUploadRoutes(scope, deps));
  await app.register((scope) => addStorageRoutes(scope, deps));
  await app.register((scope) => addS3Route(scope, deps));
  await app.register((scope) => addComputeRoutes(scope, deps, computeServices));
  addBatchRoute(app, deps);
  const methods = { routes: routesOf(services), types: replyTypesOf(services) };
  app.all('/*', (request, reply) => answerRpc(deps, methods, request, reply));
  app.setNotFoundHandler((request, reply) => answerRpc(deps, methods, request, reply));
  await app.ready();
  if (server === undefined) throw new Error('fastify made no server');
  return restDoor(app, server, () => {
    serving = false;
  });
}

function addContentRoutes(app: FastifyInstance, deps: RestDeps): void {
  const add = (template: string, handlerOf: typeof imageContent): void => {
    app.route<{ Params: { imageId: string } }>({
      method: ['GET', 'HEAD'],
      url: template.replace('{image_id}', ':imageId'),
      handler: async (request, reply) => {
        await serveStreamed(deps, template, handlerOf(deps.content, request.params.imageId), request, reply);
        return reply;
      },
    });
  };
  add(contentRoute, imageContent);
  add(extentsRoute, imageExtents);
}

function restDoor(app: FastifyInstance, server: Server, stopServing: () => void): RestDoor {
  // Connections come from the listener. Node starts to watch the timeouts of connections when a server listens, which
  // this one never does by itself.
  server.emit('listening');
  const open = new Set<Duplex>();
  return {
    get openCount() {
      return open.size;
    },
    accept(connection) {
      open.add(connection);
      connection.once('close', () => open.delete(connection));
      server.emit('connection', connection);
    },
    stopServing() {
      stopServing();
      server.closeIdleConnections();
    },
    async close({ graceMs }) {
      server.closeIdleConnections();
      const cut = setTimeout(() => {
        for (const connection of open) connection.destroy();
      }, graceMs);
      await Promise.all([...open].map((connection) => new Promise((resolve) => connection.once('close', resolve))));
      clearTimeout(cut);
      await app.close();
      // Stops the watch on timeouts; that the server "is not running" is what it says of never having listened.
      server.close(() => {});
    },
  };
}
