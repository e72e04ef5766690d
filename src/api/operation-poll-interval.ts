import type { DescMessage } from '@bufbuild/protobuf';
import { OperationSchema } from '../gen/yandex/cloud/operation/operation_pb.ts';

/** Seconds that a client should wait before it asks for the operation again; clients take theirs from this header. */
const seconds = '1';

/** The header that goes with a reply of this type: on Operations the poll interval, otherwise nothing. */
export function pollIntervalHeader(reply: DescMessage): Record<string, string> {
  return reply.typeName === OperationSchema.typeName ? { 'x-operation-poll-interval': seconds } : {};
}
