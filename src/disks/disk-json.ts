import { choiceOf, integerOf, type JsonObject, objectOf, stringMapOf, stringOf, stringsOf } from '../lib/json.ts';
import { heldVolumeFromJson } from '../resources/content-source.ts';
import { guestDetailsFromJson, guestDetailsToJson } from '../resources/guest-details.ts';
import { hardwareGenerationFromJson, hardwareGenerationToJson } from '../resources/hardware-generation.ts';
import { originFromJson, originToJson } from '../resources/origin.ts';
import { osFromJson, osToJson } from '../resources/os.ts';
import { resourceStatuses } from '../resources/resource-status.ts';
import type { Disk, PlacementPolicy } from './disk.ts';

/** A disk as JSON, the form in which operations keep their result. diskFromJson reads it back. */
export function diskToJson(disk: Disk): JsonObject {
  return {
    ...disk,
    createdAt: disk.createdAt.getTime(),
    source: disk.source === undefined ? null : { ...disk.source },
    os: disk.os === undefined ? null : osToJson(disk.os),
    hardwareGeneration: hardwareGenerationToJson(disk.hardwareGeneration),
    placementPolicy: placementPolicyToJson(disk.placementPolicy),
    base: disk.base === undefined ? null : { ...disk.base },
    guest: guestDetailsToJson(disk.guest),
    origin: disk.origin === undefined ? null : originToJson(disk.origin),
  };
}

/** Throws JsonShapeWrong for anything that diskToJson does not make. */
export function diskFromJson(value: unknown): Disk {
  const json = objectOf(value, 'disk');
  return {
    id: stringOf(json, 'id'),
    folderId: stringOf(json, 'folderId'),
    createdAt: new Date(integerOf(json, 'createdAt')),
    name: stringOf(json, 'name'),
    description: stringOf(json, 'description'),
    labels: stringMapOf(json.labels, 'labels'),
    typeId: stringOf(json, 'typeId'),
    zoneId: stringOf(json, 'zoneId'),
    sizeBytes: integerOf(json, 'sizeBytes'),
    blockSizeBytes: integerOf(json, 'blockSizeBytes'),
    productIds: stringsOf(json.productIds, 'productIds'),
    status: choiceOf(json.status, resourceStatuses, 'status'),
    source: json.source === null ? undefined : sourceFromJson(json.source),
    os: json.os === null ? undefined : osFromJson(json.os),
    hardwareGeneration: hardwareGenerationFromJson(json.hardwareGeneration),
    placementPolicy: placementPolicyFromJson(json.placementPolicy),
    base: json.base === null ? undefined : heldVolumeFromJson(json.base, 'base'),
    // Results of an earlier version have neither.
    guest: guestDetailsFromJson(json.guest),
    origin: originFromJson(json.origin),
  };
}

export function placementPolicyToJson({ groupId, partition }: PlacementPolicy): JsonObject {
  return { groupId, partition };
}

export function placementPolicyFromJson(value: unknown): PlacementPolicy {
  const json = objectOf(value, 'placementPolicy');
  return { groupId: stringOf(json, 'groupId'), partition: integerOf(json, 'partition') };
}

function sourceFromJson(value: unknown): Disk['source'] {
  const json = objectOf(value, 'source');
  return { kind: choiceOf(json.kind, ['image', 'snapshot'], 'kind'), id: stringOf(json, 'id') };
}
