import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { explainFailure } from '../../operations/failure.ts';
import { type AuthorizationDeps, authorizationOf } from '../authorization.ts';
import { CallRecord, type CallRecordDeps } from '../call-record.ts';
import { isFromThisMachine } from './from-this-machine.ts';
import { headersOf, peerOf } from './rest-connection.ts';
import { sendError } from './rest-reply.ts';
import type { StreamedCallDeps } from './streamed-call.ts';

/** What is known of the process; see metrics/. */
export interface MetricsText {
  /** Content type. */
  readonly type: string;
  read(): Promise<string>;
}

export interface MetricsRouteDeps extends AuthorizationDeps, CallRecordDeps, Pick<StreamedCallDeps, 'authenticate'> {
  readonly metrics: MetricsText;
}

/** As it stands in access/method-rules.ts. */
const method = 'GET /metrics';

/**
 * The figures of the process, for who runs it: whoever asks from this machine, and elsewhere who may manage the store. They
 * are of all clouds together, and name nobody.
 */
export function addMetricsRoute(app: FastifyInstance, deps: MetricsRouteDeps): void {
  app.get('/metrics', (request, reply) => answerMetrics(deps, request, reply));
}

async function answerMetrics(
  deps: MetricsRouteDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const header = headersOf(request);
  const record = new CallRecord(deps, { header, method, door: 'rest', peer: peerOf(request) });
  try {
    // Whoever shows a token is asked about it, wherever he is.
    const authorization = header('authorization');
    if (authorization !== undefined || !isFromThisMachine(request)) {
      const subject = await deps.authenticate(authorization);
      record.subjectId = subject.id;
      await authorizationOf(deps, method, subject).authorize('installation');
    }
    const text = await deps.metrics.read();
    record.end({ code: 'OK' });
    return reply.type(deps.metrics.type).header('cache-control', 'no-store').send(text);
  } catch (thrown) {
    const error = explainFailure(thrown);
    record.end({ code: error.code, reason: error.reason, cause: error.cause });
    return sendError(reply, record.ids, error);
  }
}
