import { integerOf, type JsonObject, objectOf, stringOf } from '../lib/json.ts';
import type { AccessKey } from './access-key.ts';

/** An access key as JSON, the form in which operations keep their result. accessKeyFromJson reads it back. */
export function accessKeyToJson(key: AccessKey): JsonObject {
  return { ...key, createdAt: key.createdAt.getTime() };
}

/** Throws JsonShapeWrong for anything that accessKeyToJson does not make. */
export function accessKeyFromJson(value: unknown): AccessKey {
  const json = objectOf(value, 'access key');
  return {
    id: stringOf(json, 'id'),
    serviceAccountId: stringOf(json, 'serviceAccountId'),
    folderId: stringOf(json, 'folderId'),
    createdAt: new Date(integerOf(json, 'createdAt')),
    description: stringOf(json, 'description'),
    keyId: stringOf(json, 'keyId'),
  };
}
