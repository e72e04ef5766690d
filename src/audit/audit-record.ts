/**
 * Who did what, from where, with which result. Records are added and in time forgotten, never changed. There is nothing in
 * one that is not fit to be shown: no request, no token, no address of a source.
 *
 *   change    a call changed something, or began to. It is written in the transaction of the change where that starts an
 *             operation or ends at once with one, and else before the call is answered: what was acknowledged is recorded.
 *   outcome   an operation that a call began has ended; written in the transaction that ends it.
 *   refusal   a call that would have changed something was refused, or failed. Written soon after, and not all of them when
 *             there are very many: see refusals.ts.
 */
export interface AuditRecord {
  readonly id: number;
  readonly kind: AuditKind;
  readonly at: Date;
  /** '' for who could not say who he is. */
  readonly subjectId: string;
  /** The rpc's full name, or verb and route of what is none; of an outcome the operation's kind. */
  readonly method: string;
  /** What it was done to; of a refusal as the caller wrote it. '' where that is not known. */
  readonly resourceId: string;
  readonly folderId: string;
  readonly cloudId: string;
  readonly operationId: string;
  /** `OK`, or the name of a status code. */
  readonly code: string;
  readonly requestId: string;
  /** HOST:PORT of the other end of the connection. */
  readonly peer: string;
  readonly userAgent: string;
}

export const auditKinds = ['change', 'outcome', 'refusal'] as const;
export type AuditKind = (typeof auditKinds)[number];

export type NewAuditRecord = Omit<AuditRecord, 'id'>;
