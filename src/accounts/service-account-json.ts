import { integerOf, type JsonObject, objectOf, stringMapOf, stringOf } from '../lib/json.ts';
import type { ServiceAccount } from './service-account.ts';

/** A service account as JSON, the form in which operations keep their result. accountFromJson reads it back. */
export function accountToJson(account: ServiceAccount): JsonObject {
  return { ...account, createdAt: account.createdAt.getTime() };
}

/** Throws JsonShapeWrong for anything that accountToJson does not make. */
export function accountFromJson(value: unknown): ServiceAccount {
  const json = objectOf(value, 'service account');
  return {
    id: stringOf(json, 'id'),
    folderId: stringOf(json, 'folderId'),
    createdAt: new Date(integerOf(json, 'createdAt')),
    name: stringOf(json, 'name'),
    description: stringOf(json, 'description'),
    labels: stringMapOf(json.labels, 'labels'),
  };
}
