/** The kinds of subject that the public API knows, by its names. */
export const subjectKinds = ['serviceAccount', 'userAccount'] as const;
export type SubjectKind = (typeof subjectKinds)[number];

/** Who a request comes from, once its token was checked. */
export interface Subject {
  readonly id: string;
  readonly kind: SubjectKind;
}
