import { create } from '@bufbuild/protobuf';
import type { BoundNoun } from '../../../access/access-binding.ts';
import { maxBindings } from '../../../access/access-binding.ts';
import { ruleOf } from '../../../access/method-rules.ts';
import type { Permission } from '../../../access/permissions.ts';
import {
  type GlobalSetPolicyRequest,
  type Policy,
  type TestPermissionsRequest,
  type TestPermissionsResponse,
  TestPermissionsResponseSchema,
  type ZoneSetPolicyRequest,
} from '../../../gen/google/cloud/compute/v1/common_pb.ts';
import type { Call } from '../../call.ts';
import type { BindingFunctions } from '../../yandex/access-binding-handlers.ts';
import { invalidValue } from '../compute-errors.ts';
import { isGranted } from '../is-granted.ts';
import { checkEtag, policyMessage, wantedPolicy } from './policy.ts';

/** More are no honest question. */
const maxAsked = 100;

/** What the public service has words of its own for. */
const renamedVerbs: ReadonlyMap<string, string> = new Map([
  ['useReadOnly', 'use'],
  ['setLabels', 'update'],
  ['deprecate', 'update'],
  ['resize', 'update'],
  ['createSnapshot', 'use'],
  ['getIamPolicy', 'listAccessBindings'],
  ['setIamPolicy', 'updateAccessBindings'],
]);

/** The bindings of a resource that the caller may see the bindings of. */
export async function getPolicy(bindings: BindingFunctions, resourceId: string): Promise<Policy> {
  const { items } = await bindings.listAccessBindings({ resourceId, pageSize: maxBindings, pageToken: '' });
  return policyMessage(items);
}

/** Makes the policy of a request that of a resource whose bindings the caller may change; returns what it is then. */
export async function setPolicy(
  bindings: BindingFunctions,
  thing: { readonly noun: BoundNoun; readonly id: string },
  request: GlobalSetPolicyRequest | ZoneSetPolicyRequest | undefined,
  { caller }: Call,
): Promise<Policy> {
  if (request === undefined) throw invalidValue('policy', '', 'Required field is missing.');
  const { etag, wanted } = wantedPolicy(request, thing.noun);
  if (wanted.length > maxBindings) {
    const remedy = `There can be ${maxBindings} members of all roles together at most.`;
    throw invalidValue('policy.bindings', String(wanted.length), remedy);
  }
  await bindings.setAccessBindings(thing, wanted, caller, (present) => checkEtag(etag, present));
  return await getPolicy(bindings, thing.id);
}

/**
 * Those of the permissions asked about that the caller has on a resource.
 *
 * @param ask throws PERMISSION_DENIED for what the caller does not have
 */
export async function testPermissions(
  request: TestPermissionsRequest | undefined,
  { caller }: Call,
  ask: (permission: Permission) => Promise<unknown>,
): Promise<TestPermissionsResponse> {
  const { permissions: asked = [] } = request ?? {};
  if (asked.length > maxAsked) {
    throw invalidValue('permissions', String(asked.length), `There can be ${maxAsked} permissions at most.`);
  }
  const known = ruleOf(caller.method);
  const allowed: string[] = [];
  for (const name of asked) {
    const permission = typeof known === 'string' ? undefined : known.find((candidate) => candidate === ourName(name));
    if (permission !== undefined && (await isGranted(() => ask(permission)))) allowed.push(name);
  }
  return create(TestPermissionsResponseSchema, { permissions: allowed });
}

function ourName(name: string): string {
  const dot = name.lastIndexOf('.') + 1;
  const verb = name.slice(dot);
  return name.slice(0, dot) + (renamedVerbs.get(verb) ?? verb);
}
