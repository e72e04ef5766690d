/**
 * What clients may take from the server. Bytes are those of payloads, of writes and of reads: all of them are at most
 * `sharedBytes` and the own bytes of each client.
 */
export interface NbdLimits {
  /** Connections that use an export. */
  readonly clients: number;
  /** Connections that don't yet. One more, and the oldest of them is cut: who only waits can't keep others out. */
  readonly shakingHands: number;
  /** From the first byte to the use of an export, TLS and all. */
  readonly handshakeMs: number;
  /** Options in one handshake. */
  readonly options: number;
  /** Requests of a connection that are under way: from the last byte of the request to the last byte of its reply. */
  readonly requestsPerConnection: number;
  /** Bytes of a connection that are under way; at least the largest request. */
  readonly bytesPerConnection: number;
  /** As much of them needs nobody else's leave, so that small requests are never kept waiting by others' large ones. */
  readonly ownBytesPerConnection: number;
  /** All connections together beyond that; at least the largest request. Who asks for more waits, in turn. */
  readonly sharedBytes: number;
  /** How long a client may take for a payload or a reply, to which a second is added for each `slowestBytesPerSecond`. */
  readonly stallMs: number;
  readonly slowestBytesPerSecond: number;
}

const KiB = 2 ** 10;
const MiB = 2 ** 20;

export const defaultLimits: NbdLimits = {
  clients: 256,
  shakingHands: 64,
  handshakeMs: 10_000,
  options: 64,
  requestsPerConnection: 16,
  bytesPerConnection: 32 * MiB,
  ownBytesPerConnection: 256 * KiB,
  sharedBytes: 64 * MiB,
  stallMs: 30_000,
  slowestBytesPerSecond: 256 * KiB,
};
