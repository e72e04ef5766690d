/** What went wrong with a source. Closed: callers choose what to do by it. */
export type SourceFailure =
  | 'uri-invalid'
  | 'address-not-allowed'
  | 'name-not-resolved'
  | 'unreachable'
  | 'tls-failed'
  | 'not-found'
  | 'forbidden'
  | 'server-error'
  | 'bad-redirect'
  | 'changed'
  | 'misbehaved'
  | 'interrupted'
  | 'too-slow'
  | 'too-big'
  | 'no-space'
  | 'spool-failed';

export interface SourceFailedFacts {
  readonly kind: SourceFailure;
  /** Already masked: see `describeUri`. */
  readonly url: string;
  readonly reason: string;
  readonly remedy?: string | undefined;
  readonly transient?: boolean | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/**
 * A source could not be opened or read. Every failure of this folder is one of these, except an abort, which rejects
 * with the signal's reason.
 *
 * `reason` is a whole sentence for the person who gave the address; it never holds a query, user information, header
 * values or a byte of the body, so it may be shown to them. What only an operator may see is in `cause`.
 * `remedy` says what can be done about it, where that is known. `transient` failures have been retried already; the
 * same request may still succeed at another time.
 */
export class SourceFailed extends Error {
  readonly kind: SourceFailure;
  readonly url: string;
  readonly reason: string;
  readonly remedy: string | undefined;
  readonly transient: boolean;
  /** How long the server asked to be left alone, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(facts: SourceFailedFacts) {
    const text = facts.remedy === undefined ? facts.reason : `${facts.reason} ${facts.remedy}`;
    super(`${facts.url}: ${text}`, { cause: facts.cause });
    this.name = 'SourceFailed';
    this.kind = facts.kind;
    this.url = facts.url;
    this.reason = facts.reason;
    this.remedy = facts.remedy;
    this.transient = facts.transient ?? false;
    this.retryAfterMs = facts.retryAfterMs;
  }
}
