import { STATUS_CODES } from 'node:http';
import { create } from '@bufbuild/protobuf';
import type { StoredError } from '../../../errors.ts';
import {
  ErrorSchema,
  Operation_Status,
  type Operation as OperationMessage,
  OperationSchema,
} from '../../../gen/google/cloud/compute/v1/operation_pb.ts';
import { objectOf } from '../../../lib/json.ts';
import { resourceNumber } from '../../../lib/resource-number.ts';
import type { Operation } from '../../../operations/operation.ts';
import { describeUri } from '../../../sources/source-uri.ts';
import { quotaSentence } from '../compute-errors.ts';
import { googleStatus } from '../google-error.ts';
import { type Link, zonePath } from '../naming/links.ts';
import type { Project } from '../naming/projects.ts';
import { operationName } from './operation-name.ts';
import { targetOf, typeOf } from './operation-target.ts';
import { warningsOf } from './operation-warnings.ts';

/** The operation as clients of the Compute API see it, in the project that they asked for. */
export function operationMessage(operation: Operation, project: Project, link: Link): OperationMessage {
  const { id, zoneId, done, error, createdAt, modifiedAt } = operation;
  const name = operationName(operation);
  const place = zoneId === '' ? `projects/${project.name}/global` : zonePath(project.name, zoneId);
  const target = targetOf(operation, project);
  const started = createdAt.toISOString();
  return create(OperationSchema, {
    kind: 'compute#operation',
    id: BigInt(resourceNumber(id)),
    name,
    operationType: typeOf(operation),
    targetLink: link(target.path),
    targetId: BigInt(resourceNumber(target.id)),
    status: statusOf(operation),
    progress: done ? 100 : progressOf(operation.progress),
    user: operation.createdBy,
    ...(operation.idempotencyKey === '' ? {} : { clientOperationId: operation.idempotencyKey }),
    insertTime: started,
    startTime: started,
    ...(done ? { endTime: modifiedAt.toISOString() } : {}),
    ...(operation.description === '' ? {} : { description: operation.description }),
    // Clients poll where these say, so they are there for operations in zones alone.
    ...(zoneId === '' ? {} : { zone: link(zonePath(project.name, zoneId)) }),
    selfLink: link(`${place}/operations/${name}`),
    warnings: done ? warningsOf(operation, project, link) : [],
    ...(done && error !== undefined ? failureOf(operation, error) : {}),
  });
}

/** Work that has said nothing of itself yet waits for its turn. */
function statusOf({ done, progress }: Operation): Operation_Status {
  if (done) return Operation_Status.DONE;
  return progress === undefined ? Operation_Status.PENDING : Operation_Status.RUNNING;
}

/** In percent: what is written is the longest part by far, and 100 is for what is done. */
function progressOf(progress: unknown): number {
  if (progress === undefined || progress === null) return 0;
  const { guestBytesTotal: total, guestBytesDone: bytes } = objectOf(progress, 'progress');
  if (typeof total !== 'number' || typeof bytes !== 'number' || total <= 0) return 0;
  return Math.min(99, Math.floor((100 * bytes) / total));
}

/** Codes that the public service has for what is called otherwise here. */
const codesByReason: Readonly<Record<string, string>> = {
  INTERNAL: 'INTERNAL_ERROR',
  SOURCE_FILE_NOT_FOUND: 'RESOURCE_NOT_FOUND',
  SOURCE_NOT_READY: 'RESOURCE_NOT_READY',
};

/** Some clients look at `error` alone, and others at the status alone: it takes both to be understood as failed by all. */
function failureOf(operation: Operation, error: StoredError) {
  const { code, reason, quota } = error;
  const message = sentenceOf(operation, error).toWellFormed();
  const status = googleStatus(error);
  return {
    error: create(ErrorSchema, {
      errors: [
        {
          code: codesByReason[reason] ?? reason,
          message,
          errorDetails: [
            { errorInfo: { reason, domain: 'obraz' } },
            ...(quota === undefined
              ? []
              : [{ quotaInfo: { metricName: quota.name, limitName: quota.name, limit: quota.limit } }]),
          ],
        },
      ],
    }),
    httpErrorStatusCode: status,
    httpErrorMessage: (STATUS_CODES[status] ?? code).toUpperCase(),
  };
}

/** In the public service's words, where it has some. */
function sentenceOf({ input }: Operation, { reason, message, quota }: StoredError): string {
  if (quota !== undefined) return quotaSentence(quota.name, quota.limit);
  const uri = typeof input === 'object' && input !== null && 'uri' in input ? input.uri : undefined;
  if (reason !== 'SOURCE_FILE_NOT_FOUND' || typeof uri !== 'string') return message;
  return `The resource '${describeUri(uri)}' of type 'Google Cloud Storage object' was not found.`;
}
