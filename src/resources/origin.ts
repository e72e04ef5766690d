import { choiceOf, type JsonObject, objectOf, stringOf } from '../lib/json.ts';
import { shownName } from './shown-name.ts';

const originKinds = ['image', 'disk', 'snapshot'] as const;

/** What an image, a disk or a snapshot was made from, as it was at that moment. It outlives the source. */
export interface Origin {
  readonly kind: (typeof originKinds)[number];
  readonly id: string;
  readonly folderId: string;
  /** What the caller called that folder, where he said it otherwise than by its id: who wrote a name looks for it again. */
  readonly folderName?: string;
  /** Its name then, or its id when it had none. */
  readonly name: string;
  /** Of a disk; '' for what is in no zone. */
  readonly zoneId: string;
  /** That others were recommended in its place by then, and which; undefined when nobody said so. */
  readonly deprecation?: OriginDeprecation | undefined;
}

export interface OriginDeprecation {
  readonly state: string;
  /** '' when none was named. */
  readonly replacement: string;
}

/** The source as an origin; the folder's name is as the caller said it. */
export function originOf(
  kind: Origin['kind'],
  source: {
    readonly id: string;
    readonly folderId: string;
    readonly name: string;
    readonly zoneId?: string;
    readonly deprecation?: OriginDeprecation | undefined;
  },
  folderName = '',
): Origin {
  const { id, folderId, zoneId = '', deprecation } = source;
  const named = folderName === '' || folderName === folderId ? {} : { folderName };
  const origin = { kind, id, folderId, ...named, name: shownName(source), zoneId };
  if (deprecation === undefined || deprecation.state === 'ACTIVE') return origin;
  const { state, replacement } = deprecation;
  return { ...origin, deprecation: { state, replacement } };
}

export function originToJson({ kind, id, folderId, folderName, name, zoneId, deprecation }: Origin): JsonObject {
  const named = folderName === undefined ? {} : { folderName };
  const origin = { kind, id, folderId, ...named, name, zoneId };
  return deprecation === undefined ? origin : { ...origin, deprecation: { ...deprecation } };
}

/** Undefined where there was no source, and in what earlier versions wrote. Throws JsonShapeWrong for what nobody wrote. */
export function originFromJson(value: unknown): Origin | undefined {
  if (value === undefined || value === null) return undefined;
  const json = objectOf(value, 'origin');
  return {
    kind: choiceOf(json.kind, originKinds, 'kind'),
    id: stringOf(json, 'id'),
    folderId: stringOf(json, 'folderId'),
    ...(json.folderName === undefined ? {} : { folderName: stringOf(json, 'folderName') }),
    name: stringOf(json, 'name'),
    zoneId: stringOf(json, 'zoneId'),
    ...(json.deprecation === undefined ? {} : { deprecation: deprecationFromJson(json.deprecation) }),
  };
}

function deprecationFromJson(value: unknown): OriginDeprecation {
  const json = objectOf(value, 'deprecation');
  return { state: stringOf(json, 'state'), replacement: stringOf(json, 'replacement') };
}
