import { type DescMessage, isMessage, type Message } from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import { AnySchema } from '@bufbuild/protobuf/wkt';

/**
 * The API exists under two names: `yandex.cloud.compute.v1.ImageService` and, in a neutral copy of its documents,
 * `compute.v1.ImageService`. The messages are the same bytes under both, but for the type URLs inside Any.
 */
const prefix = 'yandex.cloud.';
const typeUrlPrefix = 'type.googleapis.com/';

/** The neutral name of a service or type; undefined for one that has none. */
export function unprefixed(typeName: string): string | undefined {
  return typeName.startsWith(prefix) ? typeName.slice(prefix.length) : undefined;
}

/**
 * A function that gives the Anys in a message of this type their neutral type URLs, in place; undefined when the type
 * can hold no Any, so that nothing needs to be walked.
 */
export function typeUrlRewriter(schema: DescMessage): ((message: Message) => void) | undefined {
  if (!canHoldAny(schema, new Set())) return undefined;
  return (message) => rewrite(reflect(schema, message));
}

function canHoldAny(schema: DescMessage, seen: Set<DescMessage>): boolean {
  if (schema.typeName === AnySchema.typeName) return true;
  if (seen.has(schema)) return false;
  seen.add(schema);
  return schema.fields.some((field) => field.message !== undefined && canHoldAny(field.message, seen));
}

function rewrite(message: ReflectMessage): void {
  if (isMessage(message.message, AnySchema)) {
    const typeName = message.message.typeUrl.slice(message.message.typeUrl.lastIndexOf('/') + 1);
    const neutral = unprefixed(typeName);
    if (neutral !== undefined) message.message.typeUrl = typeUrlPrefix + neutral;
    return;
  }
  for (const field of message.fields) {
    if (!message.isSet(field)) continue;
    if (field.fieldKind === 'message') rewrite(message.get(field));
    if (field.fieldKind === 'list' && field.listKind === 'message') {
      for (const item of message.get(field)) rewrite(item as ReflectMessage); // the list kind says so, its type does not
    }
  }
}
