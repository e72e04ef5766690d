import type { MemoryBudget, Reservation } from '../lib/memory-budget.ts';
import type { NbdLimits } from './nbd-limits.ts';

/** A request's share of what its connection may have under way. */
export interface Share {
  readonly bytes: number;
  /** What it borrowed from all; undefined where the connection's own allowance was enough. */
  readonly borrowed: Reservation | undefined;
}

/**
 * What one connection has under way, kept within its limits. A connection asks for one share at a time and reads no
 * further until it has it, so that those that wait for the common budget take turns.
 */
export class InFlight {
  readonly #limits: NbdLimits;
  readonly #common: MemoryBudget;
  #requests = 0;
  #bytes = 0;
  #ownBytes = 0;
  #wake: (() => void) | undefined;

  constructor(limits: NbdLimits, common: MemoryBudget) {
    this.#limits = limits;
    this.#common = common;
  }

  get requests(): number {
    return this.#requests;
  }

  /** A share at once, if it needs no waiting. */
  tryTake(bytes: number): Share | undefined {
    return this.#isWithinLimits(bytes) && this.#ownBytes + bytes <= this.#limits.ownBytesPerConnection
      ? this.#count({ bytes, borrowed: undefined })
      : undefined;
  }

  /** A share as soon as there is room for it. Throws the signal's reason when aborted. */
  async take(bytes: number, signal: AbortSignal): Promise<Share> {
    while (!this.#isWithinLimits(bytes)) {
      await this.#oneLess();
      signal.throwIfAborted();
    }
    return this.tryTake(bytes) ?? this.#count({ bytes, borrowed: await this.#common.reserve(bytes, signal) });
  }

  /** Exactly once for each share. */
  giveBack({ bytes, borrowed }: Share): void {
    this.#requests -= 1;
    this.#bytes -= bytes;
    if (borrowed === undefined) this.#ownBytes -= bytes;
    else borrowed[Symbol.dispose]();
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  /** Waits until nothing is under way. */
  async none(): Promise<void> {
    while (this.#requests > 0) await this.#oneLess();
  }

  #isWithinLimits(bytes: number): boolean {
    const { requestsPerConnection, bytesPerConnection } = this.#limits;
    return this.#requests < requestsPerConnection && this.#bytes + bytes <= bytesPerConnection;
  }

  #count(share: Share): Share {
    this.#requests += 1;
    this.#bytes += share.bytes;
    if (share.borrowed === undefined) this.#ownBytes += share.bytes;
    return share;
  }

  #oneLess(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
