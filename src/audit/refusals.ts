import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../db/database.ts';
import type { NewAuditRecord } from './audit-record.ts';
import { insertAuditRecords } from './audit-rows.ts';

export interface RefusalsDeps {
  readonly db: Database;
  /** This many were too many to be recorded. */
  readonly onDropped: (count: number) => void;
  readonly onError: (error: unknown) => void;
  /** A clock that never goes back, in milliseconds. */
  readonly clock?: () => number;
  /** How long a record may wait for others before all are written together. */
  readonly gatherMs?: number;
}

/**
 * So many are recorded at once, and so many in a second from then on: of strangers together, and of everybody who is
 * known together. A record costs about 1 KB; 10 in a second are 36,000 until old ones are forgotten.
 */
const burst = 200;
const perSecond = 10;
const usualGatherMs = 500;

/**
 * Records refused attempts: after they were answered, several in one transaction, and only so many. A refusal is cheap for
 * who provokes it and must stay cheap for us, and must not push out of the record what did change something.
 */
export class Refusals implements AsyncDisposable {
  readonly #deps: RefusalsDeps;
  readonly #clock: () => number;
  readonly #allowances: Readonly<Record<'strangers' | 'known', Allowance>>;
  readonly #closing = new AbortController();
  #waiting: NewAuditRecord[] = [];
  #dropped = 0;
  #writing: Promise<void> | undefined;

  constructor(deps: RefusalsDeps) {
    this.#deps = deps;
    this.#clock = deps.clock ?? (() => performance.now());
    this.#allowances = { strangers: new Allowance(this.#clock()), known: new Allowance(this.#clock()) };
  }

  /** Keeps it to be written soon. Never throws. */
  add(record: NewAuditRecord): void {
    const allowance = this.#allowances[record.subjectId === '' ? 'strangers' : 'known'];
    if (allowance.take(this.#clock())) this.#waiting.push(record);
    else this.#dropped += 1;
    this.#writing ??= this.#writeSoon();
  }

  /** Writes what waits. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#writing;
  }

  async #writeSoon(): Promise<void> {
    const { db, gatherMs = usualGatherMs, onDropped, onError } = this.#deps;
    // Ends early, by throwing, when we close.
    await delay(gatherMs, undefined, { signal: this.#closing.signal, ref: false }).catch(() => {});
    const [records, dropped] = [this.#waiting, this.#dropped];
    this.#waiting = [];
    this.#dropped = 0;
    this.#writing = undefined;
    if (dropped > 0) onDropped(dropped);
    try {
      await db.transact((tx) => insertAuditRecords(tx, records));
    } catch (error) {
      onError(error);
    }
  }
}

/** A bucket of tokens, full at first. */
class Allowance {
  #tokens = burst;
  #filledAt: number;

  constructor(now: number) {
    this.#filledAt = now;
  }

  take(now: number): boolean {
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#filledAt) / 1000) * perSecond);
    this.#filledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
