import { create } from '@bufbuild/protobuf';
import {
  type AccessBinding,
  type AccessBindingDelta,
  type BoundNoun,
  bindingSubject,
  systemGroups,
} from '../../access/access-binding.ts';
import { cloudRoleIds, isRoleId, roleIds } from '../../access/roles.ts';
import { subjectKinds } from '../../access/subject.ts';
import { type FieldViolation, invalidFields } from '../../errors.ts';
import {
  AccessBindingAction,
  type AccessBindingDelta as AccessBindingDeltaMessage,
  AccessBindingDeltaSchema,
  type AccessBinding as AccessBindingMessage,
  AccessBindingSchema,
} from '../../gen/yandex/cloud/access/access_pb.ts';

export function accessBindingMessage({ roleId, subject }: AccessBinding): AccessBindingMessage {
  return create(AccessBindingSchema, { roleId, subject: { type: subject.type, id: subject.id } });
}

export function accessBindingDeltaMessage({ action, binding }: AccessBindingDelta): AccessBindingDeltaMessage {
  return create(AccessBindingDeltaSchema, {
    action: AccessBindingAction[action],
    accessBinding: accessBindingMessage(binding),
  });
}

/** Throws INVALID_ARGUMENT that names each role and subject that cannot be bound on such a thing. */
export function accessBindingsOf(messages: readonly AccessBindingMessage[], noun: BoundNoun): AccessBinding[] {
  return readEach(messages, (message, index) => readBinding(message, `access_bindings[${index}]`, noun));
}

/** Throws the same. */
export function accessBindingDeltasOf(
  messages: readonly AccessBindingDeltaMessage[],
  noun: BoundNoun,
): AccessBindingDelta[] {
  return readEach(messages, ({ action, accessBinding }, index) => {
    const field = `access_binding_deltas[${index}].access_binding`;
    const binding = accessBinding && readBinding(accessBinding, field, noun);
    if (binding === undefined) return { field, description: 'is required' };
    if ('description' in binding) return binding;
    return { action: action === AccessBindingAction.ADD ? 'ADD' : 'REMOVE', binding };
  });
}

/** All that `read` makes of them, or one error with all that is wrong. */
function readEach<M, R extends object>(
  messages: readonly M[],
  read: (message: M, index: number) => R | FieldViolation,
): R[] {
  const results: R[] = [];
  const wrong: FieldViolation[] = [];
  for (const [index, message] of messages.entries()) {
    const result = read(message, index);
    if ('description' in result) wrong.push(result);
    else results.push(result);
  }
  if (wrong.length > 0) throw invalidFields(wrong);
  return results;
}

function readBinding(
  { roleId, subject }: AccessBindingMessage,
  field: string,
  noun: BoundNoun,
): AccessBinding | FieldViolation {
  if (!isRoleId(roleId)) {
    const known = roleIds.join(', ');
    return { field: `${field}.role_id`, description: `there is no role "${roleId}" here; there are ${known}` };
  }
  if (noun !== 'Cloud' && cloudRoleIds.has(roleId)) {
    return { field: `${field}.role_id`, description: `the role ${roleId} is for clouds only` };
  }
  const read = bindingSubject(subject?.type ?? '', subject?.id ?? '');
  if (read !== undefined) return { roleId, subject: read };
  const kinds = `${subjectKinds.join(' and ')} with an id`;
  const groups = `system with ${systemGroups.join(' or ')}`;
  return { field: `${field}.subject`, description: `there are only ${kinds}, and ${groups}` };
}
