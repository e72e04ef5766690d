import { choiceOf, type JsonObject, objectOf, stringOf } from '../lib/json.ts';

export const deprecationStates = ['ACTIVE', 'DEPRECATED', 'OBSOLETE', 'DELETED'] as const;
export type DeprecationState = (typeof deprecationStates)[number];

/**
 * What its owner says of an image's age. All but ACTIVE ones are passed over where a family's latest image is asked for;
 * besides, it is for people. The texts are kept as they were given; '' for one that was not.
 */
export interface Deprecation {
  readonly state: DeprecationState;
  /** The image to use in its place. */
  readonly replacement: string;
  /** When it became, or is to become, what these say. */
  readonly deprecated: string;
  readonly obsolete: string;
  readonly deleted: string;
}

export function deprecationToJson({ state, replacement, deprecated, obsolete, deleted }: Deprecation): JsonObject {
  return { state, replacement, deprecated, obsolete, deleted };
}

/** Undefined where nothing was said, and in what earlier versions wrote. Throws JsonShapeWrong for what nobody wrote. */
export function deprecationFromJson(value: unknown): Deprecation | undefined {
  if (value === undefined || value === null) return undefined;
  const json = objectOf(value, 'deprecation');
  return {
    state: choiceOf(json.state, deprecationStates, 'state'),
    replacement: stringOf(json, 'replacement'),
    deprecated: stringOf(json, 'deprecated'),
    obsolete: stringOf(json, 'obsolete'),
    deleted: stringOf(json, 'deleted'),
  };
}
