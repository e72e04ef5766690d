import type { BlockDevice, WritableBlockDevice } from '../formats/block-device.ts';

/** Who is at the other end. */
export interface NbdPeer {
  /** Undefined on a unix socket. */
  readonly address: string | undefined;
  /** Whether what is said can't be overheard: TLS was agreed on before the name was said. */
  readonly encrypted: boolean;
}

interface ExportFacts extends AsyncDisposable {
  /**
   * Whether a client may use several connections as if they were one: a change that was answered on one is seen by all,
   * and a flush on one makes durable what was answered on any.
   */
  readonly canMultiConn: boolean;
  /** For people: up to 4096 bytes of UTF-8. */
  readonly description?: string;
  /** Whether reads in order are so much faster than others that a client should sort its own. No by default. */
  readonly rotational?: boolean;
  /**
   * When aborted, the connection takes no more requests, ends those under way, and is closed, after five seconds even
   * if the client does not take its replies: for a detached disk or a lost lease.
   */
  readonly revoked?: AbortSignal;
}

/** A disk that a client reads. */
export interface ReadOnlyExport extends ExportFacts {
  readonly readOnly: true;
  readonly device: BlockDevice;
}

/** A disk that a client reads and writes. */
export interface WritableExport extends ExportFacts {
  readonly readOnly: false;
  readonly device: WritableBlockDevice;
  /** Whether `zeroAt` takes less time than writing as many bytes would. Yes by default. */
  readonly zeroesFast?: boolean;
}

/**
 * What one connection may use. Its device need not be its own: disposing the export, which happens when the connection
 * has ended and no call of the device is under way any more, is all that is done to it. What was to be flushed then is
 * the business of whoever made it; what the client itself flushed is durable since its flush was answered.
 */
export type NbdExport = ReadOnlyExport | WritableExport;

/**
 * Finds what a client asks for by name, and decides whether this client may have it; undefined is the only refusal, and
 * tells nothing of whether there is such an export. Names are secrets: compare them so, and log none.
 *
 * Called once for a name on a connection, even if the client asks what it is before it uses it. The signal is aborted
 * when the client is gone.
 */
export type FindExport = (
  name: string,
  asked: { readonly peer: NbdPeer; readonly signal: AbortSignal },
) => Promise<NbdExport | undefined>;
