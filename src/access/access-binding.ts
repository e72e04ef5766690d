import type { RoleId } from './roles.ts';
import { type SubjectKind, subjectKinds } from './subject.ts';

/** Groups that need no list of members, by their public ids. Nobody is served without a token, so both are everybody here. */
export const systemGroups = ['allUsers', 'allAuthenticatedUsers'] as const;
export type SystemGroup = (typeof systemGroups)[number];

/** Whom a role can be given to. Whether an account of that id exists is not asked: it would tell who has accounts. */
export type BindingSubject =
  | { readonly type: SubjectKind; readonly id: string }
  | { readonly type: 'system'; readonly id: SystemGroup };

/** Ids of accounts are ours, or the operator's for users. */
const accountId = /^[\x21-\x7e]{1,100}$/;

/** The subject of that type and id; undefined when there can be none. */
export function bindingSubject(type: string, id: string): BindingSubject | undefined {
  const kind = subjectKinds.find((known) => known === type);
  if (kind !== undefined) return accountId.test(id) ? { type: kind, id } : undefined;
  const group = systemGroups.find((known) => known === id);
  return type === 'system' && group !== undefined ? { type, id: group } : undefined;
}

/** A role given to a subject on a resource, and so on what is in that. */
export interface AccessBinding {
  readonly roleId: RoleId;
  readonly subject: BindingSubject;
}

/** What roles can be given on. */
export const boundNouns = ['Image', 'Disk', 'Snapshot', 'Folder', 'Cloud'] as const;
export type BoundNoun = (typeof boundNouns)[number];

/** On one resource. A check reads few of them; whoever lists or sets them reads all. */
export const maxBindings = 1000;

/** A binding that was added or removed. */
export interface AccessBindingDelta {
  readonly action: 'ADD' | 'REMOVE';
  readonly binding: AccessBinding;
}

/** The same for the same binding, and for no other. */
export function bindingKey({ roleId, subject }: AccessBinding): string {
  return `${roleId} ${subject.type} ${subject.id}`;
}
