import { create } from '@bufbuild/protobuf';
import { type Timestamp, timestampDate, timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { AuditKind, AuditRecord } from '../../audit/audit-record.ts';
import type { ListAuditRecords } from '../../audit/list-audit-records.ts';
import {
  AuditRecord_Kind,
  type AuditRecord as AuditRecordMessage,
  AuditRecordSchema,
  AuditService,
  ListAuditRecordsResponseSchema,
} from '../../gen/obraz/v1/audit_service_pb.ts';
import { type ApiService, authenticatedService } from '../api-service.ts';

/** What the service calls, with what it needs already bound; see audit/. */
export interface AuditListFunctions {
  listAuditRecords(request: ListAuditRecords): Promise<{ records: readonly AuditRecord[]; nextPageToken: string }>;
}

export function auditService(audit: AuditListFunctions): ApiService {
  return authenticatedService(AuditService, {
    async list({ $typeName: _, $unknown: __, since, until, pageSize, ...wanted }, { authorize }) {
      await authorize('installation');
      const page = await audit.listAuditRecords({
        ...wanted,
        since: dateOf(since),
        until: dateOf(until),
        pageSize: Number(pageSize),
      });
      return create(ListAuditRecordsResponseSchema, {
        records: page.records.map(recordMessage),
        nextPageToken: page.nextPageToken,
      });
    },
  });
}

/** To the millisecond, as records are. */
function dateOf(timestamp: Timestamp | undefined): Date | undefined {
  return timestamp === undefined ? undefined : timestampDate(timestamp);
}

const kinds: Readonly<Record<AuditKind, AuditRecord_Kind>> = {
  change: AuditRecord_Kind.CHANGE,
  outcome: AuditRecord_Kind.OUTCOME,
  refusal: AuditRecord_Kind.REFUSAL,
};

function recordMessage({ id, kind, at, ...record }: AuditRecord): AuditRecordMessage {
  return create(AuditRecordSchema, {
    ...record,
    id: String(id),
    kind: kinds[kind],
    createdAt: timestampFromDate(at),
  });
}
