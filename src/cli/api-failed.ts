import { create, fromBinary } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { type ServiceError, status } from '@grpc/grpc-js';
import { BadRequestSchema, QuotaFailureSchema, RequestInfoSchema } from '../gen/google/rpc/error_details_pb.ts';
import { type Status, StatusSchema } from '../gen/google/rpc/status_pb.ts';

/** The service said no, or could not be reached. */
export class ApiFailed extends Error {
  /** The number of the gRPC status. */
  readonly code: number;
  readonly fields: readonly { readonly field: string; readonly description: string }[];
  readonly requestId: string | undefined;
  /** What can be done about a quota that is used up. */
  readonly remedies: readonly string[];

  constructor(failed: Status, options?: ErrorOptions) {
    super(failed.message, options);
    this.name = 'ApiFailed';
    this.code = failed.code;
    const badRequest = failed.details.map((detail) => anyUnpack(detail, BadRequestSchema)).find(Boolean);
    this.fields = badRequest?.fieldViolations ?? [];
    const quota = failed.details.map((detail) => anyUnpack(detail, QuotaFailureSchema)).find(Boolean);
    this.remedies = quota?.violations.map(({ description }) => description) ?? [];
    this.requestId = failed.details.map((detail) => anyUnpack(detail, RequestInfoSchema)).find(Boolean)?.requestId;
  }
}

/** The failure of a call, with the details that the server sent along. */
export function fromGrpc(error: ServiceError, endpoint: string): ApiFailed {
  const [details] = error.metadata?.get('grpc-status-details-bin') ?? [];
  if (Buffer.isBuffer(details)) {
    return new ApiFailed(fromBinary(StatusSchema, details), { cause: error });
  }
  const message = error.code === status.UNAVAILABLE ? describeUnreachable(error.details, endpoint) : error.details;
  return new ApiFailed(create(StatusSchema, { code: error.code, message }), { cause: error });
}

/** What `ERROR:` is followed by: message and code, the fields at fault unless the message has them, remedies, the request's id. */
export function describeApiFailure(error: ApiFailed): string {
  const lines = [`${error.message} (${nameOf(error.code)})`];
  for (const { field, description } of error.fields) {
    if (!error.message.includes(description)) lines.push(`  ${field}: ${description}`);
  }
  for (const remedy of error.remedies) lines.push(`  ${remedy}`);
  if (error.requestId !== undefined) lines.push(`request-id: ${error.requestId}`);
  return lines.join('\n');
}

function nameOf(code: number): string {
  return status[code] ?? `code ${code}`;
}

function describeUnreachable(details: string, endpoint: string): string {
  if (/ECONNREFUSED/.test(details)) return `nothing listens on ${endpoint}: is "obraz serve" running?`;
  if (/certificate|self.signed|issuer|altnames/i.test(details)) {
    return `${endpoint} is not trusted: ${details}. Give its CA with --ca or OBRAZ_CA.`;
  }
  return `cannot reach ${endpoint}: ${details}`;
}
