import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { CallRecord, type CallRecordDeps } from '../../call-record.ts';
import { requestIdHeaders } from '../../request-ids.ts';
import { headersOf, leavingSignal, peerOf } from '../../rest/rest-connection.ts';
import { jsonType } from '../../rest/rest-reply.ts';
import { googleErrorBody, googleStatus } from '../google-error.ts';
import { type BatchPart, readBatch } from './batch-part.ts';
import { BatchRefused } from './batch-refused.ts';
import { type PartAnswer, replyEnd, replyPart } from './batch-reply.ts';
import { inOrder } from './in-order.ts';
import { injectPart } from './inject-part.ts';

export const batchRoute = '/batch/compute/v1';

/** Requests of one batch that are under way at once. Some wait for operations, and cost nothing meanwhile. */
const maxUnderWay = 10;

/**
 * Answers batches: many requests of the Compute API in one. Each is answered as if it had come alone, by the same routes,
 * with a request id and a record of its own, in its turn; the reply begins with the first answer. When the client leaves,
 * those under way are aborted and no more are begun.
 */
export function addBatchRoute(app: FastifyInstance, deps: CallRecordDeps): void {
  app.post(batchRoute, async (request, reply) => {
    const record = new CallRecord(deps, {
      header: headersOf(request),
      method: `POST ${batchRoute}`,
      door: 'rest',
      peer: peerOf(request),
    });
    reply.headers(requestIdHeaders(record.ids));
    const parts = readParts(request);
    if (parts instanceof BatchRefused) {
      record.end({ code: parts.code });
      return reply.code(googleStatus(parts)).type(jsonType).send(googleErrorBody(parts));
    }
    const signal = leavingSignal(reply);
    const boundary = `batch_${randomBytes(18).toString('base64url')}`;
    const answers = inOrder(parts, maxUnderWay, (part) => injectPart(app, request, part, signal));
    const body = Readable.from(
      replyBody(parts, answers, boundary, () => {
        record.end({ code: signal.aborted ? 'CANCELLED' : 'OK' });
      }),
      { objectMode: false },
    );
    return reply.type(`multipart/mixed; boundary=${boundary}`).send(body);
  });
}

function readParts(request: FastifyRequest): readonly BatchPart[] | BatchRefused {
  const body = request.body instanceof Uint8Array ? request.body : new Uint8Array(0);
  try {
    return readBatch(request.headers['content-type'], body);
  } catch (error) {
    if (error instanceof BatchRefused) return error;
    throw error;
  }
}

/** Written as it is read, so that no more answers are held than are under way. */
async function* replyBody(
  parts: readonly BatchPart[],
  answers: AsyncIterable<PartAnswer>,
  boundary: string,
  ended: () => void,
): AsyncGenerator<Uint8Array, void, void> {
  try {
    const left = parts.values();
    for await (const answer of answers) yield replyPart(boundary, left.next().value?.contentId, answer);
    yield replyEnd(boundary);
  } finally {
    ended();
  }
}
