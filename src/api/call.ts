import type { Caller } from '../access/caller.ts';
import type { Subject } from '../access/subject.ts';
import type { Authorize } from './authorization.ts';

/** What every handler knows of the call it answers. */
export interface PublicCall {
  readonly requestId: string;
  /** host:port the client came to, by its own word; undefined when it said nothing usable. */
  readonly address: string | undefined;
  /** Aborted when the client leaves before it was answered. */
  readonly signal: AbortSignal;
}

/** A call by someone whose token was checked. */
export interface Call extends PublicCall {
  readonly subject: Subject;
  readonly caller: Caller;
  readonly authorize: Authorize;
  /** Does what only waits, for long perhaps, outside of the few places of calls that work: see CallGate. */
  readonly aside: <T>(wait: () => Promise<T>) => Promise<T>;
}
