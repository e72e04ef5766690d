import { hasPassed } from '../lib/has-passed.ts';
import type { JsonObject } from '../lib/json.ts';
import type { SourcePhase } from '../sources/source.ts';

/**
 * Where an import is. The order is the order of time; `spooling` is passed over where the source gives ranges, and
 * `unpacking` where nothing is packed.
 */
export type ImportPhase = 'opening' | 'spooling' | 'unpacking' | 'importing' | 'sealing';

/** Time over which the shown rate is averaged. */
const rateWindowMs = 3_000;

/** Reports are made at most this often; the runner writes them down more rarely still. */
const reportEveryMs = 200;

/** Keeps count of an import and reports it, in the shape the doors show (obraz.v1.ImportProgress). */
export class ImportProgress {
  readonly #report: (progress: JsonObject) => void;
  readonly #now: () => number;
  #phase: ImportPhase = 'opening';
  /** Where it is, but for copies of the source. */
  #work: Exclude<ImportPhase, 'spooling'> = 'opening';
  #bytesRead = 0;
  #bytesTotal = 0;
  #guestBytesDone = 0;
  #guestBytesTotal = 0;
  #reportedAt = 0;
  /** Moments and guest-or-source bytes at them, oldest first, for the rate. */
  readonly #samples: { readonly at: number; readonly bytes: number }[] = [];

  constructor(report: (progress: JsonObject) => void, now: () => number) {
    this.#report = report;
    this.#now = now;
  }

  /** Size of the disk in it. */
  set guestBytes(bytes: number) {
    this.#guestBytesTotal = bytes;
  }

  /**
   * What the source does, and the file's length when it is known. While it is copied the rest waits for it; before the
   * disk in the file is known, a copy that is complete is still to be looked at.
   */
  followSource(phase: SourcePhase, sizeBytes: number | undefined): void {
    if (sizeBytes !== undefined) this.#bytesTotal = sizeBytes;
    if (phase === 'spooling') this.#show('spooling');
    else if (this.#work !== 'opening') this.#show(this.#work);
    else this.#tell();
  }

  enter(phase: Exclude<ImportPhase, 'spooling'>): void {
    this.#work = phase;
    this.#show(phase);
  }

  #show(phase: ImportPhase): void {
    if (phase !== this.#phase) this.#samples.length = 0;
    this.#phase = phase;
    this.#tell();
  }

  /** Bytes received from the source so far, all together; those received twice count twice. */
  received(bytes: number): void {
    this.#bytesRead = bytes;
    this.#tellSometimes();
  }

  /** Guest bytes just passed, holes included. */
  passed(bytes: number): void {
    this.#guestBytesDone += bytes;
    this.#tellSometimes();
  }

  #tellSometimes(): void {
    if (hasPassed(reportEveryMs, { since: this.#reportedAt, now: this.#now() })) this.#tell();
  }

  #tell(): void {
    this.#reportedAt = this.#now();
    this.#report({
      phase: this.#phase,
      bytesRead: this.#bytesTotal > 0 ? Math.min(this.#bytesRead, this.#bytesTotal) : this.#bytesRead,
      bytesTotal: this.#bytesTotal,
      guestBytesDone: this.#guestBytesDone,
      guestBytesTotal: this.#guestBytesTotal,
      bytesPerSecond: this.#rate(),
    });
  }

  /** Of guest bytes, or of source bytes while they are copied first. */
  #rate(): number {
    const bytes = this.#phase === 'importing' ? this.#guestBytesDone : this.#bytesRead;
    const at = this.#reportedAt;
    this.#samples.push({ at, bytes });
    while (this.#samples.length > 2 && at - (this.#samples[0]?.at ?? at) > rateWindowMs) this.#samples.shift();
    const [oldest] = this.#samples;
    if (oldest === undefined || at === oldest.at) return 0;
    return Math.round(((bytes - oldest.bytes) * 1_000) / (at - oldest.at));
  }
}
