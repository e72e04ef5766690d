import { choiceOf, type JsonValue, objectOf, stringOf } from '../lib/json.ts';
import { type AccessBinding, type AccessBindingDelta, bindingSubject } from './access-binding.ts';
import { roleIds } from './roles.ts';

/** What an operation on bindings keeps as its result: what has changed. */
export function deltasToJson(deltas: readonly AccessBindingDelta[]): JsonValue {
  return deltas.map(({ action, binding: { roleId, subject } }) => ({
    action,
    roleId,
    subjectType: subject.type,
    subjectId: subject.id,
  }));
}

/** Throws JsonShapeWrong for anything else. */
export function deltasFromJson(value: unknown): AccessBindingDelta[] {
  if (!Array.isArray(value)) throw new TypeError('the result of an operation on access bindings is not a list');
  return value.map((entry: unknown) => {
    const json = objectOf(entry, 'delta');
    const action = choiceOf(json.action, ['ADD', 'REMOVE'] as const, 'action');
    return { action, binding: bindingFromJson(json) };
  });
}

function bindingFromJson(json: Readonly<Record<string, unknown>>): AccessBinding {
  const subject = bindingSubject(stringOf(json, 'subjectType'), stringOf(json, 'subjectId'));
  if (subject === undefined) throw new TypeError('an access binding has no subject that this version knows');
  return { roleId: choiceOf(json.roleId, roleIds, 'roleId'), subject };
}
