import { join } from 'node:path';
import { readFileIfThere } from '../lib/read-file-if-there.ts';
import { shellWord } from '../lib/shell-word.ts';
import { CliFailed } from './cli-failed.ts';

/** What flags and environment say about the server to talk to; flags go before the environment. */
export interface ServerFlags {
  readonly data?: string;
  readonly endpoint?: string;
  readonly ca?: string;
  readonly token?: string;
  readonly serviceAccountKeyFile?: string;
}

/** The environment's part, read by config.ts; absent and empty are both undefined. */
export interface ClientEnvironment {
  /** What the user's shell runs us by. */
  readonly invokedAs: string;
  /** OBRAZ_DATA, a directory */
  readonly data: string | undefined;
  /** OBRAZ_ENDPOINT, host:port */
  readonly endpoint: string | undefined;
  /** OBRAZ_CA, a PEM file */
  readonly ca: string | undefined;
  /** OBRAZ_TOKEN, the token itself */
  readonly token: string | undefined;
  /** OBRAZ_SERVICE_ACCOUNT_KEY_FILE, a JSON file */
  readonly serviceAccountKeyFile: string | undefined;
  /** OBRAZ_FOLDER_ID */
  readonly folderId: string | undefined;
  /** Where commands remember what goes on between runs: XDG_STATE_HOME/obraz; it may not be there yet. */
  readonly stateDirectory: string;
}

/** Where a server is, and how to know it. */
export interface ServerPlace {
  /** host:port, with an IPv6 address in brackets. */
  readonly endpoint: string;
  /** The authorities to trust, as PEM; undefined for those of the system. */
  readonly ca: string | undefined;
  /** The CA is of a data directory: the server is to show the certificate that it signed, and no other it may have. */
  readonly isInstallation?: boolean;
}

/** How to reach a server, and what to show it. */
export interface ServerAddress extends ServerPlace {
  readonly token: string;
}

/** What to show who we are with. Of both the token is for calls, and the key for whoever wants a token of his own. */
export type Credentials =
  | { readonly token: string; readonly keyPath?: string }
  | { readonly token?: never; readonly keyPath: string };

export interface FoundServer extends ServerPlace {
  readonly credentials: Credentials;
}

/** Where a server leaves word of itself in its data directory. */
interface Serving {
  readonly endpoint: string;
}

/**
 * Finds the server: what is said, and for what is not said the data directory of a server on this machine.
 *
 * A data directory's token goes only to a server that its own authority vouches for: with another CA, or none, the
 * token must be given, so that an endpoint set by mistake never sees the local administrator's.
 */
export async function findServer(flags: ServerFlags, environment: ClientEnvironment): Promise<FoundServer> {
  const endpoint = flags.endpoint ?? environment.endpoint;
  const caPath = flags.ca ?? environment.ca;
  const credentials = givenCredentials(flags) ?? givenCredentials(environment);
  if (endpoint !== undefined && credentials !== undefined) {
    if (caPath !== undefined) return { endpoint, ca: await readCa(caPath), isInstallation: false, credentials };
    const ca = await readLocalCa(flags, environment);
    return { endpoint, ca, isInstallation: ca !== undefined, credentials };
  }

  const directory = dataDirectory(flags, environment);
  const local = await readDataDirectory(directory);
  if (local === undefined) {
    throw new CliFailed(
      `there is no Obraz data directory at ${directory}. Start a server with "${environment.invokedAs} serve", name ` +
        'its directory with --data, or set OBRAZ_ENDPOINT, OBRAZ_CA and OBRAZ_TOKEN.',
    );
  }
  if (endpoint === undefined && local.serving === undefined) {
    const { invokedAs } = environment;
    throw new CliFailed(
      `no server is running on ${directory}. Start it: ${invokedAs} serve --data ${shellWord(directory)}`,
    );
  }
  if (credentials === undefined && caPath !== undefined) {
    throw new CliFailed('a CA was given but no token: set OBRAZ_TOKEN or OBRAZ_SERVICE_ACCOUNT_KEY_FILE.');
  }
  return {
    endpoint: endpoint ?? local.serving?.endpoint ?? '',
    ca: caPath === undefined ? local.ca : await readCa(caPath),
    isInstallation: caPath === undefined,
    credentials: credentials ?? { token: local.token, keyPath: local.keyPath },
  };
}

/** What flags say, or what the environment says. */
function givenCredentials(
  given: Pick<ServerFlags, 'token' | 'serviceAccountKeyFile'> | ClientEnvironment,
): Credentials | undefined {
  const { token, serviceAccountKeyFile: keyPath } = given;
  if (token !== undefined && keyPath !== undefined) {
    throw new CliFailed('a token and the key file of a service account were given: leave one of them out.');
  }
  if (token !== undefined) return { token };
  return keyPath === undefined ? undefined : { keyPath };
}

function dataDirectory(flags: ServerFlags, environment: ClientEnvironment): string {
  return flags.data ?? environment.data ?? './.obraz';
}

async function readDataDirectory(
  directory: string,
): Promise<{ ca: string; token: string; keyPath: string; serving: Serving | undefined } | undefined> {
  const ca = await readIfThere(join(directory, 'tls', 'ca.pem'));
  const token = await readIfThere(join(directory, 'credentials', 'admin.token'));
  if (ca === undefined || token === undefined) return undefined;
  return {
    ca,
    token: token.trim(),
    keyPath: join(directory, 'credentials', 'admin-key.json'),
    serving: parseServing(await readIfThere(join(directory, 'serving.json'))),
  };
}

function parseServing(text: string | undefined): Serving | undefined {
  if (text === undefined) return undefined;
  const value: unknown = JSON.parse(text);
  const isServing = typeof value === 'object' && value !== null && 'endpoint' in value;
  return isServing && typeof value.endpoint === 'string' ? { endpoint: value.endpoint } : undefined;
}

/** The local authority when it is there, for an endpoint and a token that were given without one. */
async function readLocalCa(flags: ServerFlags, environment: ClientEnvironment): Promise<string | undefined> {
  return await readIfThere(join(dataDirectory(flags, environment), 'tls', 'ca.pem'));
}

async function readCa(path: string): Promise<string> {
  const ca = await readIfThere(path);
  if (ca === undefined) throw new CliFailed(`the CA file ${path} does not exist. See --ca and OBRAZ_CA.`);
  return ca;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFileIfThere(path);
  } catch (cause) {
    const denied = cause instanceof Error && 'code' in cause && cause.code === 'EACCES';
    throw new CliFailed(`cannot read ${path}: ${denied ? 'permission denied' : String(cause)}`, { cause });
  }
}
