import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { sourceReportMessage } from './api/obraz/source-report-message.ts';
import type { InspectHere } from './cli/image/inspect.ts';
import { Inspection_Verdict, InspectionSchema } from './gen/obraz/v1/inspection_pb.ts';
import { inspectFile } from './images/inspect-file.ts';

/** `obraz image inspect`: what an import would do with a file of this machine. Needs no server. */
export const inspect: InspectHere = async (path, options) => {
  const {
    refusal,
    guestDigest = '',
    report,
  } = await inTemporaryFolder((folder) => inspectFile(path, { ...options, workPath: join(folder, 'unpacked') }));
  return create(InspectionSchema, {
    verdict: refusal === undefined ? Inspection_Verdict.IMPORTABLE : Inspection_Verdict.REFUSED,
    guestDigest,
    ...(refusal && { refusal: { check: refusal.check, reason: refusal.reason, remedy: refusal.remedy ?? '' } }),
    ...(report && { source: sourceReportMessage(report) }),
  });
};

async function inTemporaryFolder<T>(work: (path: string) => Promise<T>): Promise<T> {
  const path = await mkdtemp(join(tmpdir(), 'obraz-inspect-'));
  try {
    return await work(path);
  } finally {
    await rm(path, { recursive: true, force: true });
  }
}
