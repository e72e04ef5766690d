import type { RoleId } from './roles.ts';
import { type SubjectKind, subjectKinds } from './subject.ts';

/** Groups that need no list of members, by their public ids. Nobody is served without a token, so both are everybody here. */
export const systemGroups = ['allUsers', 'allAuthenticatedUsers'] as const;
export type SystemGroup = (typeof systemGroups)[number];

/** Whom a role can be given to. Whether an account of that id exists is not asked: it would tell who has accounts. */
export type BindingSubject =
  | { readonly type: SubjectKind; readonly id: string }
  | { readonly type: 'system'; readonly id: SystemGroup };

export type BindingSubjectType = BindingSubject['type'];
export const bindingSubjectTypes: readonly BindingSubjectType[] = [...subjectKinds, 'system'];

/** A role given to a subject on a resource, and so on what is in that. */
export interface AccessBinding {
  readonly roleId: RoleId;
  readonly subject: BindingSubject;
}

/** A binding that was added or removed. */
export interface AccessBindingDelta {
  readonly action: 'ADD' | 'REMOVE';
  readonly binding: AccessBinding;
}
