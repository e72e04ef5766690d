import type { Role } from './role.ts';

/** A process of the installation, by its data directory: it is the same node when it is started again. */
export interface Node {
  readonly id: string;
  readonly roles: readonly Role[];
  /** Where clients find its NBD exports: a ticket is put behind it. '' for one that has none. */
  readonly nbdUrl: string;
  readonly startedAt: Date;
  /** When it was last known to run, by the database's clock. */
  readonly seenAt: Date;
  /** It said so a moment ago. */
  readonly isThere: boolean;
}

/** How often a node says that it is there, and for how long it is believed: three of them may go missing. */
export const beatEveryMs = 5_000;
export const believedMs = 20_000;

export const nodeIdPrefix = 'nod';
