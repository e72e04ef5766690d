import { create } from '@bufbuild/protobuf';
import { type Any, anyPack, durationFromMs } from '@bufbuild/protobuf/wkt';
import type { QuotaFacts, StoredError } from '../errors.ts';
import {
  BadRequestSchema,
  ErrorInfoSchema,
  QuotaFailureSchema,
  RequestInfoSchema,
  RetryInfoSchema,
} from '../gen/google/rpc/error_details_pb.ts';
import { type Status, StatusSchema } from '../gen/google/rpc/status_pb.ts';
import { QuotaFailureSchema as QuotaMetricsSchema } from '../gen/yandex/cloud/quota/quota_pb.ts';
import { grpcCode } from './status-codes.ts';

/** The domain of our reasons in google.rpc.ErrorInfo. */
const errorDomain = 'obraz';

/**
 * What a caller may be sent of an error. A status travels in HTTP/2 trailers, where some gRPC clients take 8 KiB for all
 * of them together, and its text may quote the request.
 */
const maxMessageLength = 1024;
const maxFields = 8;
const maxFieldLength = 128;
const maxDescriptionLength = 192;

/** An operation's error, or a call's, which may be worth trying again. */
type ToldError = StoredError & { readonly retryMs?: number | undefined };

/**
 * The error as google.rpc.Status, the same over gRPC, over REST and inside an operation: BadRequest when fields are at
 * fault, both kinds of QuotaFailure when a quota is, RetryInfo when it is only for now, ErrorInfo with the stable reason,
 * and RequestInfo when it answers a request (operations have no request).
 */
export function toStatus(error: ToldError, requestId: string | undefined): Status {
  const details: Any[] = [];
  if (error.fields.length > 0) {
    const fieldViolations = error.fields.slice(0, maxFields).map(({ field, description }) => ({
      field: cut(field, maxFieldLength),
      description: cut(description, maxDescriptionLength),
    }));
    details.push(anyPack(BadRequestSchema, create(BadRequestSchema, { fieldViolations })));
  }
  if (error.quota !== undefined) details.push(...quotaDetails(error.quota));
  if (error.retryMs !== undefined) {
    details.push(anyPack(RetryInfoSchema, create(RetryInfoSchema, { retryDelay: durationFromMs(error.retryMs) })));
  }
  const info = create(ErrorInfoSchema, { reason: error.reason, domain: errorDomain });
  details.push(anyPack(ErrorInfoSchema, info));
  if (requestId !== undefined) {
    details.push(anyPack(RequestInfoSchema, create(RequestInfoSchema, { requestId })));
  }
  return create(StatusSchema, { code: grpcCode(error.code), message: cut(error.message, maxMessageLength), details });
}

/** For programs, as the public service tells it, and for people, with the remedy. */
function quotaDetails({ cloudId, name, unit, limit, used, required }: QuotaFacts): Any[] {
  const metric = { name, limit: BigInt(limit), usage: used };
  const what = unit === 'bytes' ? 'bytes are' : 'are';
  const description = `${name}: ${required} ${what} needed and ${limit} allowed. Delete what is not needed, or have an administrator run: obraz quota set ${name} NUMBER --cloud-id ${cloudId}`;
  return [
    anyPack(QuotaMetricsSchema, create(QuotaMetricsSchema, { violations: [{ metric, required: BigInt(required) }] })),
    anyPack(
      QuotaFailureSchema,
      create(QuotaFailureSchema, { violations: [{ subject: `clouds/${cloudId}`, description }] }),
    ),
  ];
}

/** At most `length` UTF-16 units, never half a character: both encoders refuse those. */
function cut(text: string, length: number): string {
  const short = text.length <= length ? text : `${text.slice(0, length - 1)}…`;
  return short.toWellFormed();
}
