import { hasPassed } from '../lib/has-passed.ts';
import type { JsonObject } from '../lib/json.ts';

/** Reports are made at most this often; the runner writes them down more rarely still. */
const reportEveryMs = 200;

/** Keeps count of work on the store and reports it, in the shape the doors show (obraz.v1.StoreProgress). */
export class StoreProgress {
  readonly #report: (progress: JsonObject) => void;
  readonly #now: () => number;
  readonly #begunAt: number;
  /** Done by earlier runs: no part of this one's rate. */
  readonly #before: number;
  #bytesDone: number;
  #reportedAt = 0;
  bytesTotal = 0;
  errors = 0;
  warnings = 0;

  constructor(report: (progress: JsonObject) => void, now: () => number, before = 0) {
    this.#report = report;
    this.#now = now;
    this.#begunAt = now();
    this.#before = before;
    this.#bytesDone = before;
  }

  passed(bytes: number): void {
    this.#bytesDone += bytes;
    if (hasPassed(reportEveryMs, { since: this.#reportedAt, now: this.#now() })) this.tell();
  }

  tell(): void {
    this.#reportedAt = this.#now();
    const seconds = (this.#reportedAt - this.#begunAt) / 1_000;
    this.#report({
      bytesDone: this.#bytesDone,
      // Packs are made and go while we read.
      bytesTotal: Math.max(this.bytesTotal, this.#bytesDone),
      bytesPerSecond: seconds > 0 ? Math.round((this.#bytesDone - this.#before) / seconds) : 0,
      errors: this.errors,
      warnings: this.warnings,
    });
  }
}
