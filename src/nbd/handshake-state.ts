import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import type { FindExport, NbdExport } from './nbd-export.ts';
import type { SocketReader } from './socket-reader.ts';

/** Whether a client may, must or can't use TLS. */
export type TlsMode = 'required' | 'optional' | 'none';

export interface HandshakeOptions {
  readonly findExport: FindExport;
  readonly tlsMode: TlsMode;
  /** Undefined where the mode is `none`. */
  readonly secureContext: () => SecureContext | undefined;
  /** Undefined on a unix socket. */
  readonly peerAddress: string | undefined;
  readonly maxOptions: number;
  /** Whether one more connection may use an export. */
  readonly hasRoom: () => boolean;
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal;
}

/** What client and server know of each other so far. After STARTTLS they start anew, but for the flags. */
export interface Handshake {
  readonly options: HandshakeOptions;
  readonly noZeroes: boolean;
  /** Whether the client understands replies to options; one that doesn't can only say which export it wants. */
  readonly fixedNewstyle: boolean;
  stream: Socket;
  reader: SocketReader;
  encrypted: boolean;
  structuredReplies: boolean;
  /** The name of the export whose block status the client wants to ask for. */
  contextFor: string | undefined;
  /** What was found by the last name, and is ours to dispose. */
  found: { readonly name: string; readonly export: NbdExport | undefined } | undefined;
}
