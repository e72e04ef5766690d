import { ServiceError } from '../errors.ts';
import { Histogram } from '../lib/histogram.ts';
import type { JsonValue } from '../lib/json.ts';
import type { OperationKind } from '../operations/kind.ts';

/** Seconds: a digest takes some, an import minutes, a scrub hours. */
const bounds = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3_600, 14_400];

/** The runs of one kind of operation in this process. */
export interface KindFigures {
  readonly kind: string;
  readonly running: number;
  /** Runs that began: each is one claim. */
  readonly runs: number;
  /** Runs that ended, by how: `done`, `stopped` by a cancel, a lost lease or the end of the process, or why they failed. */
  readonly ends: ReadonlyMap<string, number>;
  readonly seconds: Histogram;
}

/** The imports of this process, as they report themselves. */
export interface ImportFigures {
  /** Runs under way, by phase. */
  readonly running: ReadonlyMap<string, number>;
  /** What all runs together have spent in each phase. */
  readonly phaseMs: ReadonlyMap<string, number>;
  /** Received from sources, and passed of the guests' bytes, holes included. */
  readonly sourceBytes: number;
  readonly guestBytes: number;
}

interface Counted extends KindFigures {
  running: number;
  runs: number;
  readonly ends: Map<string, number>;
}

/** Reasons of failures are ours and few. */
const maxEnds = 100;

/** Counts and times the runs of operations, and adds up what imports report. */
export class MeteredKinds {
  readonly #kinds = new Map<string, Counted>();
  readonly #phases = new Map<string, number>();
  readonly #phaseMs = new Map<string, number>();
  #sourceBytes = 0;
  #guestBytes = 0;

  /** The same kind, whose runs are counted. */
  meter(kind: OperationKind): OperationKind {
    const counted: Counted = { kind: kind.name, running: 0, runs: 0, ends: new Map(), seconds: new Histogram(bounds) };
    this.#kinds.set(kind.name, counted);
    return {
      ...kind,
      run: async (context) => {
        const begunAt = performance.now();
        const report = this.#followReports();
        counted.running += 1;
        counted.runs += 1;
        try {
          const commit = await kind.run({
            ...context,
            report(progress) {
              report.read(progress);
              context.report(progress);
            },
          });
          end(counted, 'done');
          return commit;
        } catch (error) {
          end(counted, context.signal.aborted ? 'stopped' : reasonOf(error));
          throw error;
        } finally {
          report.end();
          counted.running -= 1;
          counted.seconds.add((performance.now() - begunAt) / 1000);
        }
      },
    };
  }

  kinds(): Iterable<KindFigures> {
    return this.#kinds.values();
  }

  imports(): ImportFigures {
    return {
      running: this.#phases,
      phaseMs: this.#phaseMs,
      sourceBytes: this.#sourceBytes,
      guestBytes: this.#guestBytes,
    };
  }

  /** Reads what one run reports: only imports have phases. */
  #followReports(): { read(progress: JsonValue): void; end(): void } {
    let phase = '';
    let since = 0;
    let sourceBytes = 0;
    let guestBytes = 0;
    const enter = (next: string): void => {
      const now = performance.now();
      if (phase !== '') {
        add(this.#phases, phase, -1);
        add(this.#phaseMs, phase, now - since);
      }
      if (next !== '') add(this.#phases, next, 1);
      phase = next;
      since = now;
    };
    return {
      read: (progress) => {
        if (typeof progress !== 'object' || progress === null || !('phase' in progress)) return;
        const { phase: next, bytesRead, guestBytesDone } = progress;
        if (typeof next !== 'string' || typeof bytesRead !== 'number' || typeof guestBytesDone !== 'number') return;
        if (next !== phase) enter(next);
        this.#sourceBytes += Math.max(0, bytesRead - sourceBytes);
        this.#guestBytes += Math.max(0, guestBytesDone - guestBytes);
        sourceBytes = bytesRead;
        guestBytes = guestBytesDone;
      },
      end: () => enter(''),
    };
  }
}

function end({ ends }: Counted, how: string): void {
  add(ends, ends.has(how) || ends.size < maxEnds ? how : 'OTHER', 1);
}

function add(sums: Map<string, number>, name: string, value: number): void {
  sums.set(name, (sums.get(name) ?? 0) + value);
}

function reasonOf(error: unknown): string {
  return error instanceof ServiceError ? error.reason : 'INTERNAL';
}
