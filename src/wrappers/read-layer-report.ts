import { choiceOf, integerOf, objectOf, stringOf, stringsOf } from '../lib/json.ts';
import type { LayerReport } from './layer-report.ts';

/**
 * A layer's report out of JSON.
 *
 * @throws JsonShapeWrong
 */
export function readLayerReport(value: unknown): LayerReport {
  const report = objectOf(value, 'report of a layer');
  const notes = stringsOf(report.notes, 'notes of a layer');
  const bytes = integerOf(report, 'bytes');
  const layer = choiceOf(report.layer, ['gzip', 'xz', 'zstd', 'bzip2', 'tar', 'ova'], 'kind of a layer');
  if (layer === 'tar') {
    const extents = stringsOf(report.extents, 'extents of a layer');
    const sparse =
      report.sparse === undefined
        ? undefined
        : choiceOf(report.sparse, ['oldgnu', 'pax-0.0', 'pax-0.1', 'pax-1.0'], 'kind of a sparse member');
    return { layer, member: stringOf(report, 'member'), bytes, sparse, extents, notes };
  }
  if (layer === 'ova') {
    return {
      layer,
      description: stringOf(report, 'description'),
      member: stringOf(report, 'member'),
      bytes,
      statedCapacityBytes: optionalInteger(report, 'statedCapacityBytes'),
      verifiedMembers: integerOf(report, 'verifiedMembers'),
      ignoredMembers: stringsOf(report.ignoredMembers, 'ignored members of a layer'),
      notes,
    };
  }
  const packedBytes = integerOf(report, 'packedBytes');
  const ignoredBytes = integerOf(report, 'ignoredBytes');
  return { layer, packedBytes, bytes, streams: optionalInteger(report, 'streams'), ignoredBytes, notes };
}

function optionalInteger(report: Readonly<Record<string, unknown>>, key: string): number | undefined {
  return report[key] === undefined ? undefined : integerOf(report, key);
}
