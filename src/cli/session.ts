import type { ApiClient } from './api-client.ts';
import type { ClientEnvironment, Credentials, ServerAddress, ServerFlags } from './find-server.ts';
import type { OutputFormat } from './output-format.ts';
import type { Terminal } from './terminal.ts';

/** The flags that every client command takes. */
export interface ClientFlags extends ServerFlags {
  readonly folderId?: string;
  readonly folderName?: string;
  readonly cloudId?: string;
  readonly impersonateServiceAccountId?: string;
  readonly format?: OutputFormat;
}

/** What a command works with, from the first call to the last. */
export interface Session {
  readonly api: ApiClient;
  readonly server: ServerAddress;
  /** What the token of `server` was got with, or the token itself. */
  readonly credentials: Credentials;
  readonly flags: ClientFlags;
  readonly environment: ClientEnvironment;
  readonly terminal: Terminal;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}
