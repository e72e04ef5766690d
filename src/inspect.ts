import { create } from '@bufbuild/protobuf';
import { sourceReportMessage } from './api/obraz/source-report-message.ts';
import type { InspectHere } from './cli/image/inspect.ts';
import { Inspection_Verdict, InspectionSchema } from './gen/obraz/v1/inspection_pb.ts';
import { inspectFile } from './images/inspect-file.ts';

/** `obraz image inspect`: what an import would do with a file of this machine. Needs no server. */
export const inspect: InspectHere = async (path, options) => {
  const { refusal, guestDigest = '', report } = await inspectFile(path, options);
  return create(InspectionSchema, {
    verdict: refusal === undefined ? Inspection_Verdict.IMPORTABLE : Inspection_Verdict.REFUSED,
    guestDigest,
    ...(refusal && { refusal: { check: refusal.check, reason: refusal.reason, remedy: refusal.remedy ?? '' } }),
    ...(report && { source: sourceReportMessage(report) }),
  });
};
