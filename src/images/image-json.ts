import {
  booleanOf,
  choiceOf,
  integerOf,
  type JsonObject,
  objectOf,
  stringMapOf,
  stringOf,
  stringsOf,
} from '../lib/json.ts';
import { guestDetailsFromJson, guestDetailsToJson } from '../resources/guest-details.ts';
import { hardwareGenerationFromJson, hardwareGenerationToJson } from '../resources/hardware-generation.ts';
import { originFromJson, originToJson } from '../resources/origin.ts';
import { osFromJson, osToJson } from '../resources/os.ts';
import { resourceStatuses } from '../resources/resource-status.ts';
import { deprecationFromJson, deprecationToJson } from './deprecation.ts';
import type { Image } from './image.ts';
import { type SourceReport, sourceReportFromJson, sourceReportToJson } from './source-report.ts';

/** An image as JSON, the form in which operations keep their result. imageFromJson reads it back. */
export function imageToJson(image: Image): JsonObject {
  return {
    ...image,
    createdAt: image.createdAt.getTime(),
    os: osToJson(image.os),
    hardwareGeneration: hardwareGenerationToJson(image.hardwareGeneration),
    volumeId: image.volumeId ?? null,
    guest: guestDetailsToJson(image.guest),
    deprecation: image.deprecation === undefined ? null : deprecationToJson(image.deprecation),
    origin: image.origin === undefined ? null : originToJson(image.origin),
  };
}

/** The result of an operation that made an image: the image, and what was found in the file it was made from. */
export function createdImageToJson(image: Image, source: SourceReport | undefined): JsonObject {
  return { ...imageToJson(image), source: source === undefined ? null : sourceReportToJson(source) };
}

/** The report in what createdImageToJson made; undefined where there is none, as in results of an earlier version. */
export function sourceFromJson(value: unknown): SourceReport | undefined {
  const { source } = objectOf(value, 'image');
  return source === undefined || source === null ? undefined : sourceReportFromJson(source);
}

/** Throws JsonShapeWrong for anything that imageToJson does not make. */
export function imageFromJson(value: unknown): Image {
  const json = objectOf(value, 'image');
  return {
    id: stringOf(json, 'id'),
    folderId: stringOf(json, 'folderId'),
    createdAt: new Date(integerOf(json, 'createdAt')),
    name: stringOf(json, 'name'),
    description: stringOf(json, 'description'),
    labels: stringMapOf(json.labels, 'labels'),
    family: stringOf(json, 'family'),
    storageSizeBytes: integerOf(json, 'storageSizeBytes'),
    minDiskSizeBytes: integerOf(json, 'minDiskSizeBytes'),
    productIds: stringsOf(json.productIds, 'productIds'),
    status: choiceOf(json.status, resourceStatuses, 'status'),
    os: osFromJson(json.os),
    pooled: booleanOf(json, 'pooled'),
    hardwareGeneration: hardwareGenerationFromJson(json.hardwareGeneration),
    sizeBytes: integerOf(json, 'sizeBytes'),
    guestDigest: stringOf(json, 'guestDigest'),
    volumeId: json.volumeId === null ? undefined : stringOf(json, 'volumeId'),
    ...laterFacts(json),
  };
}

/** What results of an earlier version do not have. */
function laterFacts({
  guest,
  storageLocations = [],
  deprecation,
  origin,
}: Readonly<Record<string, unknown>>): Pick<Image, 'guest' | 'storageLocations' | 'deprecation' | 'origin'> {
  return {
    guest: guestDetailsFromJson(guest),
    storageLocations: stringsOf(storageLocations, 'storageLocations'),
    deprecation: deprecationFromJson(deprecation),
    origin: originFromJson(origin),
  };
}
