const KIB = 1024;
const MIB = 1024 * KIB;
const TIB = 1024 * 1024 * MIB;

/** Bounds on what a server may cost us. Times in milliseconds, sizes in bytes. */
export interface HttpLimits {
  /** Longest file that is read. */
  readonly maxBytes: number;
  /** From the name to a connection ready for a request, TLS included. */
  readonly connectTimeoutMs: number;
  /** From the request sent to the end of the response's headers. */
  readonly headerTimeoutMs: number;
  /** Longest silence within a body. */
  readonly idleTimeoutMs: number;
  /** While bodies are being received, each `rateWindowMs` of that time must bring this many bytes a second. */
  readonly minBytesPerSecond: number;
  readonly rateWindowMs: number;
  readonly maxHeaderBytes: number;
  readonly maxRedirects: number;
  /** Connections to one origin. */
  readonly connections: number;
  /** Tries of one request, the first included. */
  readonly attempts: number;
  /** Wait before the first retry; doubles with each, up to `retryCapMs`, and is then shortened at random by up to half. */
  readonly retryBaseMs: number;
  readonly retryCapMs: number;
  /** A longer `Retry-After` is waited for only this long. */
  readonly maxRetryAfterMs: number;
  /** Spooling stops rather than leave less than this free on its file system. */
  readonly minFreeBytes: number;
}

/**
 * The limits used unless told otherwise. 4 TiB is the largest disk that is imported; a qcow2 file is hardly longer than its disk.
 * The least rate ends a source that would need 18 hours for a GiB; an idle timer alone is fooled by a byte every 29 s.
 */
export const DEFAULT_HTTP_LIMITS: HttpLimits = {
  maxBytes: 4 * TIB + 64 * 1024 * MIB,
  connectTimeoutMs: 10_000,
  headerTimeoutMs: 30_000,
  idleTimeoutMs: 30_000,
  minBytesPerSecond: 16 * KIB,
  rateWindowMs: 60_000,
  maxHeaderBytes: 16 * KIB,
  maxRedirects: 5,
  connections: 8,
  attempts: 5,
  retryBaseMs: 200,
  retryCapMs: 8_000,
  maxRetryAfterMs: 30_000,
  minFreeBytes: 256 * MIB,
};
