import type { Cloud, Folder } from '../folders/folder.ts';
import { choiceOf, integerOf, type JsonValue, objectOf, stringMapOf, stringOf } from '../lib/json.ts';

const folderStatuses = ['ACTIVE', 'DELETING', 'PENDING_DELETION'] as const;

/** What an operation keeps as its result: the folder as it then was. */
export function folderToJson({ createdAt, ...folder }: Folder): JsonValue {
  return { ...folder, createdAt: createdAt.getTime() };
}

/** Throws JsonShapeWrong for anything else. */
export function folderFromJson(value: unknown): Folder {
  const json = objectOf(value, 'folder');
  return {
    id: stringOf(json, 'id'),
    cloudId: stringOf(json, 'cloudId'),
    createdAt: new Date(integerOf(json, 'createdAt')),
    name: stringOf(json, 'name'),
    description: stringOf(json, 'description'),
    labels: stringMapOf(json.labels, 'labels'),
    status: choiceOf(json.status, folderStatuses, 'status'),
  };
}

/** The same for a cloud. */
export function cloudToJson({ createdAt, ...cloud }: Cloud): JsonValue {
  return { ...cloud, createdAt: createdAt.getTime() };
}

/** Throws JsonShapeWrong for anything else. */
export function cloudFromJson(value: unknown): Cloud {
  const json = objectOf(value, 'cloud');
  return {
    id: stringOf(json, 'id'),
    createdAt: new Date(integerOf(json, 'createdAt')),
    name: stringOf(json, 'name'),
    description: stringOf(json, 'description'),
    organizationId: stringOf(json, 'organizationId'),
    labels: stringMapOf(json.labels, 'labels'),
  };
}
