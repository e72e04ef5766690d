import { appendFileSync } from 'node:fs';

/**
 * Where a process can be told to fail. A point is a change of the world outside: a call of the file system, a commit of
 * the database or a request to a bucket, named by what it does and to what, `rename packs/partial/* > packs/*\/*`. Names are found as the
 * process runs, so a new kind of file or transaction is a new point without anybody adding it to a list.
 */
export interface Fault {
  /** The point's name; undefined is any. */
  readonly point: string | undefined;
  readonly when: 'before' | 'after';
  /** Which time it is met, from 1. */
  readonly hit: number;
  /**
   * To die as by kill -9, to have the call fail (`before` only) with this code, or to have done it (`after` only) and lose
   * the answer, as a connection that breaks does.
   */
  readonly does: 'kill' | 'EIO' | 'ENOSPC' | 'ECONNRESET';
}

/** What a failing call throws, as the system would. */
export class InjectedFault extends Error {
  readonly code: string;
  readonly syscall: string;

  constructor(code: string, point: string) {
    super(`${code}: injected, ${point}`);
    this.code = code;
    this.syscall = point;
  }
}

/** Counts how often each point is met, and does what it was told to. */
export class Faults {
  readonly #fault: Fault | undefined;
  readonly #pointsFile: string | undefined;
  readonly #known = new Set<string>();
  #hits = 0;

  /** The names of the points met are appended to `pointsFile`. */
  constructor({ fault, pointsFile }: { fault?: Fault | undefined; pointsFile?: string | undefined }) {
    this.#fault = fault;
    this.#pointsFile = pointsFile;
  }

  /** Makes a call that is a point. */
  async around<T>(point: string, call: () => Promise<T>): Promise<T> {
    if (!this.#known.has(point)) {
      this.#known.add(point);
      if (this.#pointsFile !== undefined) appendFileSync(this.#pointsFile, `${point}\n`);
    }
    const fault = this.#due(point);
    if (fault?.when === 'before') {
      if (fault.does !== 'kill') throw new InjectedFault(fault.does, point);
      die();
    }
    const result = await call();
    if (fault?.when === 'after') {
      if (fault.does !== 'kill') throw new InjectedFault(fault.does, point);
      die();
    }
    return result;
  }

  #due(point: string): Fault | undefined {
    const fault = this.#fault;
    if (fault === undefined || (fault.point !== undefined && fault.point !== point)) return undefined;
    this.#hits += 1;
    return this.#hits === fault.hit ? fault : undefined;
  }
}

function die(): never {
  process.kill(process.pid, 'SIGKILL');
  for (;;); // the signal comes before the next statement could do any harm
}
