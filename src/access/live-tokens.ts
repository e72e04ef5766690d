import type { Database } from '../db/database.ts';
import { LruMap } from '../lib/lru-map.ts';
import type { VerifiedClaims } from './token-claims.ts';
import { isBackedByRows, isEnded } from './token-rows.ts';
import type { Users } from './users.ts';

export interface LiveTokensDeps {
  readonly db: Database;
  readonly users: Users;
  /** A clock that never goes back, in milliseconds. */
  readonly clock?: () => number;
}

/** For so long the answer of the database is believed: other processes may have revoked a token meanwhile. */
const believedMs = 1_000;
const tokensKept = 1_000;

interface Answer {
  readonly askedAt: number;
  readonly isLive: Promise<boolean>;
}

/**
 * Which tokens still hold. A token ends before its time when it is revoked, by itself or with all of its subject's, when its service account or its user is gone,
 * and when the authorized key that it was given for is deleted.
 *
 * The database is asked about a token at most once a second, however many calls come with it. So a token that was ended
 * is refused at once by the process that ended it, if that says `forget`, and within a second by every other.
 */
export class LiveTokens {
  readonly #deps: LiveTokensDeps;
  readonly #clock: () => number;
  #answers = new LruMap<string, Answer>(tokensKept);

  constructor(deps: LiveTokensDeps) {
    this.#deps = deps;
    this.#clock = deps.clock ?? (() => performance.now());
  }

  async isLive(claims: VerifiedClaims): Promise<boolean> {
    const now = this.#clock();
    const known = this.#answers.get(claims.tokenId);
    if (known !== undefined && now - known.askedAt < believedMs) return known.isLive;
    const asked: Answer = { askedAt: now, isLive: this.#ask(claims) };
    this.#answers.set(claims.tokenId, asked);
    try {
      return await asked.isLive;
    } catch (error) {
      if (this.#answers.get(claims.tokenId) === asked) this.#answers.delete(claims.tokenId);
      throw error;
    }
  }

  /** Something ended tokens: nothing that was believed until now is believed any more. */
  forget(): void {
    this.#answers = new LruMap(tokensKept);
  }

  async #ask(claims: VerifiedClaims): Promise<boolean> {
    const { db, users } = this.#deps;
    if (claims.subject.kind === 'serviceAccount') return isBackedByRows(db.read, claims);
    return users.byId(claims.subject.id) !== undefined && !(await isEnded(db.read, claims));
  }
}
