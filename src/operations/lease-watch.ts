import type { Queryable } from '../db/database.ts';
import { LastChanges, type LastChangesOptions } from '../lib/last-changes.ts';
import { findLeases, type SeenLease } from './operation-rows.ts';

/**
 * Finds the leases that are over: those that nobody renewed while this process looked on for the length of a lease. It asks no
 * clock that shows the time of day, neither a process's nor the database's, so that none of them can end a lease early or keep one
 * for ever. What a process that died has left comes free a lease's length after the first look at its last renewal; a process
 * that has just started looks on for as long before it takes anything over.
 */
export class LeaseWatch {
  readonly #changes: LastChanges<SeenLease>;
  readonly #leaseMs: number;

  constructor({ leaseMs, ...options }: LastChangesOptions & { readonly leaseMs: number }) {
    this.#changes = new LastChanges(options);
    this.#leaseMs = leaseMs;
  }

  /** To be called several times in the length of a lease. */
  async look(db: Queryable, kinds: readonly string[]): Promise<void> {
    const leases = await findLeases(db, kinds);
    this.#changes.note(leases.map((lease) => [`${lease.operationId} ${lease.epoch} ${lease.renewals}`, lease]));
  }

  /** The leases that are over, unless they were renewed since the last look: who claims one asks its row. */
  get unrenewed(): readonly SeenLease[] {
    return this.#changes.unchangedFor(this.#leaseMs);
  }
}
