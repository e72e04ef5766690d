/** Who asks for a change, and how to know the same request again. */
export interface Caller {
  readonly subjectId: string;
  readonly requestId: string;
  /** What the client sent as `idempotency-key`. */
  readonly idempotencyKey: string | undefined;
  /** SHA-256, in hex, of the method and the request's bytes. */
  readonly requestHash: string;
  /** The full name of the rpc. */
  readonly method: string;
}
