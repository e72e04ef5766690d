import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { grantPath } from '../../access/check-grant.ts';
import { ruleOf } from '../../access/method-rules.ts';
import type { ServiceError } from '../../errors.ts';
import { explainFailure } from '../../operations/failure.ts';
import { AuditedCall, type AuditFunctions } from '../audited-call.ts';
import { type CallGate, strangerAt } from '../call-gate.ts';
import { CallRecord, type CallRecordDeps } from '../call-record.ts';
import { requestIdHeaders } from '../request-ids.ts';
import { retryAfterHeader } from '../retry-after.ts';
import type { TokenFunctions } from '../yandex/iam-token-service.ts';
import { headersOf, leavingSignal, peerOf } from './rest-connection.ts';
import { jsonType } from './rest-reply.ts';

export interface TokenRouteDeps extends CallRecordDeps {
  /** Bounds the calls that are worked on. */
  readonly calls: CallGate;
  readonly audit: AuditFunctions;
  readonly tokens: Pick<TokenFunctions, 'issueToken'>;
}

/** As it stands in access/method-rules.ts. */
const method = `POST ${grantPath}`;
const jwtGrant = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
/** A JWT of the longest kind that is read, and a scope or two. */
const maxBodyBytes = 16 * 1024;

/** The answer to a request for a token: RFC 6749, sections 5.1 and 5.2. */
type TokenAnswer =
  | { readonly access_token: string; readonly expires_in: number; readonly token_type: 'Bearer' }
  | OauthError;

interface OauthError {
  readonly error: string;
  readonly error_description: string;
}

/**
 * Gives tokens for JWTs as OAuth does it (RFC 7523), which is how programs with a key file in Google's form come by one:
 * the file tells them this address. What comes is a form, and errors are in OAuth's words, for every SDK reads those.
 */
export function addTokenRoute(app: FastifyInstance, deps: TokenRouteDeps): void {
  if (ruleOf(method) !== 'public') throw new Error(`${method} is how callers come by a token: it is for everybody`);
  app.post(grantPath, (request, reply) => answerGrant(deps, request, reply));
}

async function answerGrant(deps: TokenRouteDeps, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const header = headersOf(request);
  const peer = peerOf(request);
  const record = new CallRecord(deps, { header, method, door: 'rest', peer });
  const { requestId } = record.ids;
  const audited = new AuditedCall(deps.audit, { method, requestId, peer, userAgent: header('user-agent') });
  const send = (status: number, body: TokenAnswer) =>
    reply
      .code(status)
      .headers({ ...requestIdHeaders(record.ids), 'cache-control': 'no-store' })
      .type(jsonType)
      .send(JSON.stringify(body));

  const asked = readGrant(request.body);
  if ('error' in asked) {
    audited.failed('INVALID_ARGUMENT');
    record.end({ code: 'INVALID_ARGUMENT' });
    return send(400, asked);
  }
  try {
    using place = deps.calls.enter();
    await place.take(strangerAt(peer), leavingSignal(reply));
    const { iamToken, lifeMs } = await deps.tokens.issueToken(asked);
    record.end({ code: 'OK' });
    return send(200, { access_token: iamToken, expires_in: Math.floor(lifeMs / 1000), token_type: 'Bearer' });
  } catch (thrown) {
    const error = explainFailure(thrown);
    if (error.retryMs === undefined) audited.failed(error.code);
    record.end({ code: error.code, reason: error.reason, cause: error.cause });
    reply.headers(retryAfterHeader(error));
    return send(...oauthError(error));
  }
}

/** The assertion in the form, or what is wrong with it. */
function readGrant(body: unknown): { readonly assertion: string } | OauthError {
  const bytes = body instanceof Uint8Array ? body : new Uint8Array(0);
  if (bytes.length > maxBodyBytes) return malformed(`the form is longer than ${maxBodyBytes} bytes`);
  const form = new URLSearchParams(Buffer.from(bytes).toString());
  const [grantType, secondType] = form.getAll('grant_type');
  const [assertion, secondAssertion] = form.getAll('assertion');
  if (grantType === undefined || secondType !== undefined) return malformed('grant_type must be there once');
  if (grantType !== jwtGrant) {
    return { error: 'unsupported_grant_type', error_description: `The only grant_type here is ${jwtGrant}` };
  }
  if (assertion === undefined || secondAssertion !== undefined) return malformed('assertion must be there once');
  return { assertion };
}

function malformed(why: string): OauthError {
  return { error: 'invalid_request', error_description: `The request cannot be read: ${why}` };
}

function oauthError({ code, message }: ServiceError): [status: number, OauthError] {
  if (code === 'UNAUTHENTICATED') return [400, { error: 'invalid_grant', error_description: message }];
  if (code === 'INVALID_ARGUMENT') return [400, { error: 'invalid_request', error_description: message }];
  if (code === 'RESOURCE_EXHAUSTED') return [429, { error: 'temporarily_unavailable', error_description: message }];
  if (code === 'UNAVAILABLE') return [503, { error: 'temporarily_unavailable', error_description: message }];
  return [500, { error: 'server_error', error_description: message }];
}
