import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type Any, anyPack } from '@bufbuild/protobuf/wkt';
import {
  CompactStoreResponseSchema,
  Finding_Severity,
  StoreOperationMetadataSchema,
  type StoreProgressSchema,
  StoreReportSchema,
} from '../../gen/obraz/v1/store_service_pb.ts';
import { integerOf, objectOf } from '../../lib/json.ts';
import { compactedFromJson } from '../../maintenance/compact-kind.ts';
import { reportFromJson } from '../../maintenance/store-report.ts';
import type { Operation } from '../../operations/operation.ts';

function metadata({ progress }: Operation): Any {
  const shown = progress === undefined || progress === null ? {} : { progress: progressOf(progress) };
  return anyPack(StoreOperationMetadataSchema, create(StoreOperationMetadataSchema, shown));
}

function progressOf(progress: unknown): MessageInitShape<typeof StoreProgressSchema> {
  const facts = objectOf(progress, 'progress');
  return {
    bytesDone: BigInt(integerOf(facts, 'bytesDone')),
    bytesTotal: BigInt(integerOf(facts, 'bytesTotal')),
    bytesPerSecond: BigInt(integerOf(facts, 'bytesPerSecond')),
    errorCount: BigInt(integerOf(facts, 'errors')),
    warningCount: BigInt(integerOf(facts, 'warnings')),
  };
}

/** What a check or a scrub carries. */
export const reportMessages = {
  metadata,
  response(result: unknown): Any {
    const { errors, warnings, findings, packs, chunks } = reportFromJson(result);
    return anyPack(
      StoreReportSchema,
      create(StoreReportSchema, {
        errorCount: BigInt(errors),
        warningCount: BigInt(warnings),
        findings: findings.map((finding) => ({
          ...finding,
          severity: finding.severity === 'error' ? Finding_Severity.ERROR : Finding_Severity.WARNING,
        })),
        packs: BigInt(packs),
        chunks: BigInt(chunks),
      }),
    );
  },
};

/** What a compaction carries. */
export const compactionMessages = {
  metadata,
  response(result: unknown): Any {
    const { packs, movedBytes, freedBytes } = compactedFromJson(result);
    return anyPack(
      CompactStoreResponseSchema,
      create(CompactStoreResponseSchema, {
        packs: BigInt(packs),
        movedBytes: BigInt(movedBytes),
        freedBytes: BigInt(freedBytes),
      }),
    );
  },
};
