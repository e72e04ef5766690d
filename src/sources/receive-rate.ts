/**
 * Watches that a source is not dying slowly: over each window of time in which bodies are being received, a least
 * number of bytes must come. Only that time counts, so neither a slow reader nor a server's thinking time is held
 * against it, and parallel bodies are judged by their sum.
 */
export class ReceiveRate {
  readonly #windowMs: number;
  readonly #leastBytes: number;
  readonly #onTooSlow = new Set<(bytesPerSecond: number) => void>();
  #bytes = 0;
  #receivedForMs = 0;
  #since = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(limits: { readonly minBytesPerSecond: number; readonly rateWindowMs: number }) {
    this.#windowMs = limits.rateWindowMs;
    this.#leastBytes = (limits.minBytesPerSecond * limits.rateWindowMs) / 1000;
  }

  count(bytes: number): void {
    this.#bytes += bytes;
  }

  /** A body begins to be received (again). `onTooSlow` is called at most once. */
  begin(onTooSlow: (bytesPerSecond: number) => void): void {
    this.#onTooSlow.add(onTooSlow);
    if (this.#timer !== undefined) return;
    this.#since = performance.now();
    this.#timer = setTimeout(() => this.#judge(), Math.max(1, this.#windowMs - this.#receivedForMs));
  }

  /** It ended or waits for its reader. May be called without a `begin`. */
  end(onTooSlow: (bytesPerSecond: number) => void): void {
    if (!this.#onTooSlow.delete(onTooSlow) || this.#onTooSlow.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#receivedForMs += performance.now() - this.#since;
  }

  #judge(): void {
    const listeners = [...this.#onTooSlow];
    const bytesPerSecond = Math.floor((this.#bytes * 1000) / this.#windowMs);
    const tooSlow = this.#bytes < this.#leastBytes;
    this.#bytes = 0;
    this.#receivedForMs = 0;
    this.#since = performance.now();
    this.#timer = setTimeout(() => this.#judge(), this.#windowMs);
    if (tooSlow) for (const tell of listeners) tell(bytesPerSecond);
  }
}
