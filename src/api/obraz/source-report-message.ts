import { create } from '@bufbuild/protobuf';
import { type SourceReport as SourceReportMessage, SourceReportSchema } from '../../gen/obraz/v1/source_report_pb.ts';
import type { Features, SourceReport } from '../../images/source-report.ts';

export function sourceReportMessage({ sizeBytes, sha256, layers, disk }: SourceReport): SourceReportMessage {
  return create(SourceReportSchema, {
    size: BigInt(sizeBytes),
    sha256,
    layers: layers.map((layer) => ({
      kind: layer.kind,
      member: layer.member,
      size: BigInt(layer.sizeBytes),
      features: structOf(layer.features),
      notes: [...layer.notes],
    })),
    disk: {
      format: disk.format,
      variant: disk.variant,
      size: BigInt(disk.sizeBytes),
      virtualSize: BigInt(disk.virtualSizeBytes),
      paddedBytes: BigInt(disk.paddedBytes),
      features: structOf(disk.features),
      notes: [...disk.notes],
    },
  });
}

function structOf(features: Features) {
  return Object.fromEntries(
    Object.entries(features).map(([name, value]) => [name, typeof value === 'object' ? [...value] : value]),
  );
}
