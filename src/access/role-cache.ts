import { LruMap } from '../lib/lru-map.ts';
import type { RoleId } from './roles.ts';
import type { Subject } from './subject.ts';

/**
 * How long a role that was taken back may live on in other processes than the one that took it back, in milliseconds.
 * docs/access.md promises it.
 */
export const roleLifeMs = 1_000;

/** Each is a few short strings. */
const entriesKept = 10_000;

interface Entry {
  readonly roles: readonly RoleId[];
  readonly readAt: number;
}

/**
 * What roles subjects were found to have in folders and clouds, for a second. Only what was found is kept, never that
 * nothing was: a role that is given counts at once everywhere, and whoever is refused costs one query each time,
 * whatever he asks for. That also keeps the time of a refusal from telling what there is.
 */
export class RoleCache {
  readonly #now: () => number;
  #entries = new LruMap<string, Entry>(entriesKept);
  #generation = 0;

  /** `now` is in milliseconds, and never goes back. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  get(subject: Subject, placeId: string): readonly RoleId[] | undefined {
    const entry = this.#entries.get(keyOf(subject, placeId));
    return entry !== undefined && this.#now() - entry.readAt < roleLifeMs ? entry.roles : undefined;
  }

  /** Reads roles, and keeps them unless bindings have changed while they were read. */
  async read<R extends { readonly above: readonly RoleId[] }>(
    subject: Subject,
    placeId: string,
    query: () => Promise<R>,
  ): Promise<R> {
    const [generation, readAt] = [this.#generation, this.#now()];
    const found = await query();
    if (generation === this.#generation && found.above.length > 0) {
      this.#entries.set(keyOf(subject, placeId), { roles: found.above, readAt });
    }
    return found;
  }

  /** After every commit that took a role back, or a place: here, that counts at once. */
  forget(): void {
    this.#entries = new LruMap(entriesKept);
    this.#generation += 1;
  }
}

function keyOf({ kind, id }: Subject, placeId: string): string {
  return `${kind} ${id} ${placeId}`;
}
