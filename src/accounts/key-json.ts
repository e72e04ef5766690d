import { choiceOf, integerOf, type JsonObject, objectOf, stringOf } from '../lib/json.ts';
import { type Key, keyAlgorithms } from './key.ts';

/** A key as JSON, the form in which operations keep their result. keyFromJson reads it back. */
export function keyToJson(key: Key): JsonObject {
  return { ...key, createdAt: key.createdAt.getTime() };
}

/** Throws JsonShapeWrong for anything that keyToJson does not make. */
export function keyFromJson(value: unknown): Key {
  const json = objectOf(value, 'key');
  return {
    id: stringOf(json, 'id'),
    serviceAccountId: stringOf(json, 'serviceAccountId'),
    folderId: stringOf(json, 'folderId'),
    createdAt: new Date(integerOf(json, 'createdAt')),
    description: stringOf(json, 'description'),
    algorithm: choiceOf(json.algorithm, keyAlgorithms, 'algorithm'),
    publicKeyPem: stringOf(json, 'publicKeyPem'),
  };
}
