/** How long replies may stay untaken, and how much of them may. */
export interface UnsentLimits {
  /** A client that takes nothing of a reply for so long is gone, or wants to hold our memory. */
  readonly stallMs: number;
  /** All untaken replies together; when they are more, the oldest go before their time. */
  readonly maxBytes: number;
  /** So long a reply stays in any case: it may be on its way. */
  readonly graceMs: number;
}

export const unsentLimits: UnsentLimits = { stallMs: 60_000, maxBytes: 128 * 1024 * 1024, graceMs: 5_000 };

/** A reply that its client has not taken. */
export interface UnsentReply {
  readonly bytes: number;
  /** Ends the connection that it is for. */
  cut(): void;
}

const checkMs = 1_000;

/**
 * Replies that were made and that their clients have not taken yet. They are held in memory, so that a client which asks and
 * does not read would hold as much of it as it likes. Dispose it to stop looking.
 */
export class UnsentReplies implements Disposable {
  readonly #limits: UnsentLimits;
  readonly #checks: NodeJS.Timeout;
  /** In the order in which they were made, with the time of that. */
  readonly #replies = new Map<UnsentReply, number>();
  #bytes = 0;
  #cuts = 0;

  constructor(limits: UnsentLimits) {
    this.#limits = limits;
    this.#checks = setInterval(() => this.#check(), Math.min(checkMs, limits.stallMs)).unref();
  }

  /** Call what is returned when the reply was taken, or nobody is there to take it; more than once does no harm. */
  add(reply: UnsentReply): () => void {
    this.#replies.set(reply, performance.now());
    this.#bytes += reply.bytes;
    return () => this.#drop(reply);
  }

  /** How many bytes there are now, and how many connections were cut because of theirs. */
  figures(): { readonly bytes: number; readonly cuts: number } {
    return { bytes: this.#bytes, cuts: this.#cuts };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#checks);
  }

  #drop(reply: UnsentReply): void {
    if (this.#replies.delete(reply)) this.#bytes -= reply.bytes;
  }

  #check(): void {
    const now = performance.now();
    const { stallMs, maxBytes, graceMs } = this.#limits;
    let tooMany = this.#bytes - maxBytes;
    for (const [reply, madeAt] of this.#replies) {
      const ageMs = now - madeAt;
      if (ageMs < graceMs && ageMs < stallMs) return;
      if (ageMs < stallMs && tooMany <= 0) return;
      tooMany -= reply.bytes;
      this.#cuts += 1;
      this.#drop(reply);
      reply.cut();
    }
  }
}
