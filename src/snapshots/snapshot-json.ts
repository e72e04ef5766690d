import { choiceOf, integerOf, type JsonObject, objectOf, stringMapOf, stringOf, stringsOf } from '../lib/json.ts';
import { heldVolumeFromJson } from '../resources/content-source.ts';
import { guestDetailsFromJson, guestDetailsToJson } from '../resources/guest-details.ts';
import { hardwareGenerationFromJson, hardwareGenerationToJson } from '../resources/hardware-generation.ts';
import { originFromJson, originToJson } from '../resources/origin.ts';
import { resourceStatuses } from '../resources/resource-status.ts';
import type { Snapshot } from './snapshot.ts';

/** A snapshot as JSON, the form in which operations keep their result. snapshotFromJson reads it back. */
export function snapshotToJson(snapshot: Snapshot): JsonObject {
  return {
    ...snapshot,
    createdAt: snapshot.createdAt.getTime(),
    hardwareGeneration: hardwareGenerationToJson(snapshot.hardwareGeneration),
    volume: snapshot.volume === undefined ? null : { ...snapshot.volume },
    guest: guestDetailsToJson(snapshot.guest),
    origin: snapshot.origin === undefined ? null : originToJson(snapshot.origin),
  };
}

/** Throws JsonShapeWrong for anything that snapshotToJson does not make. */
export function snapshotFromJson(value: unknown): Snapshot {
  const json = objectOf(value, 'snapshot');
  return {
    id: stringOf(json, 'id'),
    folderId: stringOf(json, 'folderId'),
    createdAt: new Date(integerOf(json, 'createdAt')),
    name: stringOf(json, 'name'),
    description: stringOf(json, 'description'),
    labels: stringMapOf(json.labels, 'labels'),
    storageSizeBytes: integerOf(json, 'storageSizeBytes'),
    diskSizeBytes: integerOf(json, 'diskSizeBytes'),
    productIds: stringsOf(json.productIds, 'productIds'),
    status: choiceOf(json.status, resourceStatuses, 'status'),
    sourceDiskId: stringOf(json, 'sourceDiskId'),
    hardwareGeneration: hardwareGenerationFromJson(json.hardwareGeneration),
    volume: json.volume === null ? undefined : heldVolumeFromJson(json.volume, 'volume'),
    // Results of an earlier version have none of these.
    guest: guestDetailsFromJson(json.guest),
    storageLocations: json.storageLocations === undefined ? [] : stringsOf(json.storageLocations, 'storageLocations'),
    origin: originFromJson(json.origin),
  };
}
