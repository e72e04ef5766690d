const MANY_REQUESTS = 512;
const SMALL_REQUEST_BYTES = 128 * 1024;
const MOST_FETCHED = 2;

/**
 * Watches how a source is read, and says when one sequential copy would have been cheaper than the requests:
 * - after more than 512 requests of less than 128 KiB on average: round trips, not bytes, take the time; or
 * - when more than twice the file has been fetched: the reader comes back to the same places.
 */
export class ReadPattern {
  readonly #sizeBytes: number;
  #requests = 0;
  #bytes = 0;

  constructor(sizeBytes: number) {
    this.#sizeBytes = sizeBytes;
  }

  record(bytes: number): void {
    this.#requests += 1;
    this.#bytes += bytes;
  }

  get wantsCopy(): boolean {
    const small = this.#requests > MANY_REQUESTS && this.#bytes / this.#requests < SMALL_REQUEST_BYTES;
    return small || this.#bytes > MOST_FETCHED * this.#sizeBytes;
  }
}
