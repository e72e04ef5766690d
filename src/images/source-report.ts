import type { DiskReport } from '../formats/disk-report.ts';
import { integerOf, type JsonObject, JsonShapeWrong, objectOf, stringOf, stringsOf } from '../lib/json.ts';
import type { LayerReport } from '../wrappers/layer-report.ts';

/** What only one kind of file tells of itself, by name: `cluster_bytes`. */
export type Features = Readonly<Record<string, boolean | number | string | readonly string[]>>;

/** A compressed file or an archive around a disk file. Lengths are in bytes. */
export interface SourceLayer {
  readonly kind: string;
  /** Of an archive: the name of the member that is the disk; otherwise ''. */
  readonly member: string;
  /** Length of what was in it. */
  readonly sizeBytes: number;
  readonly features: Features;
  /** Sentences for people. */
  readonly notes: readonly string[];
}

/** A virtual disk file. Lengths are in bytes. */
export interface SourceDisk {
  readonly format: string;
  /** Which kind of the format; '' where there is only one. */
  readonly variant: string;
  readonly sizeBytes: number;
  readonly virtualSizeBytes: number;
  /** Zero bytes added at the disk's end. */
  readonly paddedBytes: number;
  readonly features: Features;
  readonly notes: readonly string[];
}

/** What was found in the file that an image is made from: kept with the image, shown by `inspect` and by the doors. */
export interface SourceReport {
  /** Length of the file as it came. */
  readonly sizeBytes: number;
  /** Of the file as it came, in hexadecimal digits; '' when it was not read as a whole. */
  readonly sha256: string;
  /** The outermost first. */
  readonly layers: readonly SourceLayer[];
  readonly disk: SourceDisk;
}

/** Brings what the readers found into the one form that every format has. */
export function describeSource(found: {
  readonly sizeBytes: number;
  readonly sha256: string | undefined;
  readonly layers: readonly LayerReport[];
  readonly disk: DiskReport;
}): SourceReport {
  const { sizeBytes, sha256 = '', layers, disk } = found;
  return { sizeBytes, sha256, layers: layers.map(describeLayer), disk: describeDisk(disk) };
}

function describeLayer(report: LayerReport): SourceLayer {
  const { layer: kind, bytes, notes, ...rest } = report;
  if (!('member' in rest)) return { kind, member: '', sizeBytes: bytes, features: featuresOf(rest), notes };
  const { member, ...features } = rest;
  return { kind, member, sizeBytes: bytes, features: featuresOf(features), notes };
}

function describeDisk(report: DiskReport): SourceDisk {
  const { format, fileBytes, guestBytes, notes, ...rest } = report;
  const sizes = { sizeBytes: fileBytes, virtualSizeBytes: guestBytes };
  const { variant, paddedBytes, ...features } = { variant: '', paddedBytes: 0, ...rest };
  return { format, variant, ...sizes, paddedBytes, features: featuresOf(features), notes };
}

/**
 * What a reader tells beyond what all tell, named as fields of the API are; readers leave out, or set to null, what a file
 * does not say.
 */
function featuresOf(rest: Readonly<Record<string, Features[string] | null | undefined>>): Features {
  const features: Record<string, Features[string]> = {};
  for (const [name, value] of Object.entries(rest)) {
    if (value != null) features[name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)] = value;
  }
  return features;
}

/** The form in which rows and operations keep it; sourceReportFromJson reads it back. */
export function sourceReportToJson(report: SourceReport): JsonObject {
  return { ...report, layers: report.layers.map((layer) => ({ ...layer })), disk: { ...report.disk } };
}

/** Throws JsonShapeWrong for anything that sourceReportToJson does not make. */
export function sourceReportFromJson(value: unknown): SourceReport {
  const json = objectOf(value, 'source');
  if (!Array.isArray(json.layers)) throw new JsonShapeWrong('layers', 'a list');
  return {
    sizeBytes: integerOf(json, 'sizeBytes'),
    sha256: stringOf(json, 'sha256'),
    layers: json.layers.map(layerFromJson),
    disk: diskFromJson(json.disk),
  };
}

function layerFromJson(value: unknown): SourceLayer {
  const json = objectOf(value, 'layer');
  return {
    kind: stringOf(json, 'kind'),
    member: stringOf(json, 'member'),
    sizeBytes: integerOf(json, 'sizeBytes'),
    features: featuresFromJson(json.features),
    notes: stringsOf(json.notes, 'notes'),
  };
}

function diskFromJson(value: unknown): SourceDisk {
  const json = objectOf(value, 'disk');
  return {
    format: stringOf(json, 'format'),
    variant: stringOf(json, 'variant'),
    sizeBytes: integerOf(json, 'sizeBytes'),
    virtualSizeBytes: integerOf(json, 'virtualSizeBytes'),
    paddedBytes: integerOf(json, 'paddedBytes'),
    features: featuresFromJson(json.features),
    notes: stringsOf(json.notes, 'notes'),
  };
}

function featuresFromJson(value: unknown): Features {
  return Object.fromEntries(
    Object.entries(objectOf(value, 'features')).map(([name, feature]) => [name, featureOf(feature)]),
  );
}

function featureOf(value: unknown): Features[string] {
  if (typeof value === 'boolean' || typeof value === 'number' || typeof value === 'string') return value;
  return stringsOf(value, 'a feature');
}
