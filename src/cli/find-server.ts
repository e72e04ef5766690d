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
  /** OBRAZ_FOLDER_ID */
  readonly folderId: string | undefined;
  /** Where commands remember what goes on between runs: XDG_STATE_HOME/obraz; it may not be there yet. */
  readonly stateDirectory: string;
}

/** How to reach a server. */
export interface ServerAddress {
  /** host:port, with an IPv6 address in brackets. */
  readonly endpoint: string;
  /** The authorities to trust, as PEM; undefined for those of the system. */
  readonly ca: string | undefined;
  readonly token: string;
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
export async function findServer(flags: ServerFlags, environment: ClientEnvironment): Promise<ServerAddress> {
  const endpoint = flags.endpoint ?? environment.endpoint;
  const caPath = flags.ca ?? environment.ca;
  const token = flags.token ?? environment.token;
  if (endpoint !== undefined && token !== undefined) {
    return { endpoint, ca: caPath === undefined ? await readLocalCa(flags, environment) : await readCa(caPath), token };
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
  if (token === undefined && caPath !== undefined) {
    throw new CliFailed('a CA was given but no token: set OBRAZ_TOKEN.');
  }
  return {
    endpoint: endpoint ?? local.serving?.endpoint ?? '',
    ca: caPath === undefined ? local.ca : await readCa(caPath),
    token: token ?? local.token,
  };
}

function dataDirectory(flags: ServerFlags, environment: ClientEnvironment): string {
  return flags.data ?? environment.data ?? './.obraz';
}

async function readDataDirectory(
  directory: string,
): Promise<{ ca: string; token: string; serving: Serving | undefined } | undefined> {
  const ca = await readIfThere(join(directory, 'tls', 'ca.pem'));
  const token = await readIfThere(join(directory, 'credentials', 'admin.token'));
  if (ca === undefined || token === undefined) return undefined;
  return { ca, token: token.trim(), serving: parseServing(await readIfThere(join(directory, 'serving.json'))) };
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
