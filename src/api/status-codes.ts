import type { StatusCode } from '../errors.ts';

/**
 * The numbers of every status code on both wires. gRPC's are google.rpc.Code; HTTP's are those the public cloud answers
 * with (its table differs from google.rpc's advice in none of these rows).
 */
interface CodeNumbers {
  readonly grpc: number;
  readonly http: number;
}

export const okGrpcCode = 0;

const numbers: Readonly<Record<StatusCode, CodeNumbers>> = {
  CANCELLED: { grpc: 1, http: 499 },
  UNKNOWN: { grpc: 2, http: 500 },
  INVALID_ARGUMENT: { grpc: 3, http: 400 },
  DEADLINE_EXCEEDED: { grpc: 4, http: 504 },
  NOT_FOUND: { grpc: 5, http: 404 },
  ALREADY_EXISTS: { grpc: 6, http: 409 },
  PERMISSION_DENIED: { grpc: 7, http: 403 },
  RESOURCE_EXHAUSTED: { grpc: 8, http: 429 },
  FAILED_PRECONDITION: { grpc: 9, http: 400 },
  ABORTED: { grpc: 10, http: 409 },
  OUT_OF_RANGE: { grpc: 11, http: 400 },
  UNIMPLEMENTED: { grpc: 12, http: 501 },
  INTERNAL: { grpc: 13, http: 500 },
  UNAVAILABLE: { grpc: 14, http: 503 },
  DATA_LOSS: { grpc: 15, http: 500 },
  UNAUTHENTICATED: { grpc: 16, http: 401 },
};

/** The code's number in google.rpc.Status and in the `grpc-status` trailer. */
export function grpcCode(code: StatusCode): number {
  return numbers[code].grpc;
}

/** The HTTP status that goes with the code. */
export function httpStatus(code: StatusCode): number {
  return numbers[code].http;
}
