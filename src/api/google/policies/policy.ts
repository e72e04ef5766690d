import { createHash } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import {
  type AccessBinding,
  type BindingSubject,
  type BoundNoun,
  bindingKey,
  bindingSubject,
} from '../../../access/access-binding.ts';
import { cloudRoleIds, isRoleId, type RoleId } from '../../../access/roles.ts';
import { ServiceError } from '../../../errors.ts';
import {
  type Binding,
  type GlobalSetPolicyRequest,
  type Policy,
  PolicySchema,
  type ZoneSetPolicyRequest,
} from '../../../gen/google/cloud/compute/v1/common_pb.ts';
import { invalidValue } from '../compute-errors.ts';
import { sameBytes } from '../resources/same-bytes.ts';

/** What the public service calls a few of the roles that there are here; every other one is `roles/` and its name. */
const publicNames: ReadonlyMap<string, RoleId> = new Map([
  ['roles/owner', 'admin'],
  ['roles/compute.imageUser', 'compute.images.user'],
]);

const memberTypes = { serviceAccount: 'serviceAccount', user: 'userAccount' } as const;

/** The bindings of a resource as a policy. Its etag names this very set of them. */
export function policyMessage(bindings: readonly AccessBinding[]): Policy {
  const byRole = Map.groupBy(bindings, ({ roleId }) => roleId);
  const roles = [...byRole].sort(([a], [b]) => (a < b ? -1 : 1));
  return create(PolicySchema, {
    version: 1,
    etag: etagOf(bindings),
    bindings: roles.map(([roleId, bound]) => ({
      role: roleName(roleId),
      members: bound.map(({ subject }) => memberOf(subject)).sort(),
    })),
  });
}

function etagOf(bindings: readonly AccessBinding[]): string {
  const keys = bindings.map(bindingKey).sort();
  return createHash('sha256').update(JSON.stringify(keys)).digest().subarray(0, 8).toString('base64');
}

/** Throws unless the policy that the caller saw is still the resource's; who says none changes whatever there is. */
export function checkEtag(seen: string, present: readonly AccessBinding[]): void {
  if (seen === '' || sameBytes(seen, etagOf(present))) return;
  throw new ServiceError({
    code: 'FAILED_PRECONDITION',
    reason: 'CONDITION_NOT_MET',
    message: 'The policy was changed since its etag was read: read it again, and make the change to that.',
  });
}

/** The etag that a request has, '' for none, and the bindings that it wants. Requests of old have them at their top. */
export function wantedPolicy(
  request: GlobalSetPolicyRequest | ZoneSetPolicyRequest,
  noun: BoundNoun,
): { readonly etag: string; readonly wanted: readonly AccessBinding[] } {
  const { etag = '', bindings } = request.policy ?? request;
  return { etag, wanted: bindings.flatMap((binding) => bindingsOf(binding, noun)) };
}

function bindingsOf({ role = '', members, condition }: Binding, noun: BoundNoun): AccessBinding[] {
  if (condition !== undefined) {
    throw invalidValue('policy.bindings.condition', condition.expression ?? '', 'Conditions are not supported.');
  }
  const roleId = roleOf(role);
  if (cloudRoleIds.has(roleId) && noun !== 'Cloud') {
    throw invalidValue('policy.bindings.role', role, 'The role can be given on a cloud only.');
  }
  return members.map((member) => ({ roleId, subject: subjectOf(member) }));
}

function roleOf(role: string): RoleId {
  const known = publicNames.get(role);
  if (known !== undefined) return known;
  const [, name = ''] = /^roles\/(.+)$/.exec(role) ?? [];
  if (isRoleId(name)) return name;
  throw invalidValue('policy.bindings.role', role, 'Role is not supported for this resource.');
}

function roleName(roleId: RoleId): string {
  const [name] = [...publicNames].find(([, id]) => id === roleId) ?? [];
  return name ?? `roles/${roleId}`;
}

function memberOf({ type, id }: BindingSubject): string {
  if (type === 'system') return id;
  return type === 'serviceAccount' ? `serviceAccount:${id}` : `user:${id}`;
}

/** A service account is known by its id, also within an address of the form ID@FOLDER.iam.DOMAIN. */
function subjectOf(member: string): BindingSubject {
  const [, type = '', address = ''] = /^(user|serviceAccount):([^@]+)(?:@.*)?$/.exec(member) ?? [];
  const subject =
    type === 'user' || type === 'serviceAccount'
      ? bindingSubject(memberTypes[type], type === 'user' ? member.slice('user:'.length) : address)
      : bindingSubject('system', member);
  if (subject !== undefined) return subject;
  const forms = 'serviceAccount:ID, user:ID, allUsers or allAuthenticatedUsers';
  throw invalidValue('policy.bindings.members', member, `Members have the forms ${forms}.`);
}
