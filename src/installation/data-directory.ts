import { constants } from 'node:fs';
import { access, mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncDirectory } from '../lib/write-file-durably.ts';
import { InstallationBroken } from './installation-broken.ts';

/** Where everything of an installation is. All paths are absolute if the root is. */
export interface DataDirectory {
  readonly root: string;
  /** Held by the process that serves. */
  readonly lock: string;
  /** What the metadata knows the directory by. */
  readonly installationId: string;
  /** What the other processes of the installation know the directory by. */
  readonly nodeId: string;
  /** The metadata. */
  readonly database: string;
  /** Stored content, as packs. */
  readonly packs: string;
  /** Copies of what was read of packs that are in S3. */
  readonly cache: string;
  /** Sources that could not be read in place, while they are imported. */
  readonly spool: string;
  /** Files that clients send, until an image was made of them. */
  readonly uploads: string;
  /** What was written to disks, a folder for each. */
  readonly disks: string;
  /** Pooled images' content, ready to read. Copies only. */
  readonly pool: string;
  /** NBD on a unix socket, while it serves. */
  readonly nbdSocket: string;
  readonly tls: string;
  readonly credentials: {
    readonly directory: string;
    /** The administrator's authorized key, as the SDKs read it. */
    readonly adminKey: string;
    /** A bearer token of the administrator's. */
    readonly adminToken: string;
    /** What tokens are signed with. */
    readonly tokenKey: string;
  };
  /** Where to reach the server, while it serves. */
  readonly serving: string;
}

export function describeDataDirectory(root: string): DataDirectory {
  const credentials = join(root, 'credentials');
  return {
    root,
    lock: join(root, 'lock.db'),
    installationId: join(root, 'installation-id'),
    nodeId: join(root, 'node-id'),
    database: join(root, 'metadata.db'),
    packs: join(root, 'packs'),
    cache: join(root, 'cache'),
    spool: join(root, 'spool'),
    uploads: join(root, 'uploads'),
    disks: join(root, 'disks'),
    pool: join(root, 'pool'),
    nbdSocket: join(root, 'nbd.sock'),
    tls: join(root, 'tls'),
    credentials: {
      directory: credentials,
      adminKey: join(credentials, 'admin-key.json'),
      adminToken: join(credentials, 'admin.token'),
      tokenKey: join(credentials, 'token-key.pem'),
    },
    serving: join(root, 'serving.json'),
  };
}

/** Makes the directory and what it is divided into, for its owner only. Throws InstallationBroken when it can't. */
export async function makeDataDirectory(directory: DataDirectory): Promise<void> {
  const { root, tls, credentials, packs, spool, uploads, disks, pool } = directory;
  for (const path of [root, tls, credentials.directory, packs, spool, uploads, disks, pool]) {
    try {
      await makeFolder(path);
      await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
    } catch (cause) {
      throw new InstallationBroken(`the data directory cannot be used: ${explain(cause, path)}`, { cause });
    }
  }
  // Folders that are there need not be durable: whoever made them may have died before it synced their names.
  await syncDirectory(root);
}

/** Like `mkdir -p`. Node's own never returns where a system without such a folder says there is none to make it in. */
async function makeFolder(path: string): Promise<void> {
  const make = async () => {
    await mkdir(path, { mode: 0o700 });
    await syncDirectory(dirname(path));
  };
  try {
    await make();
  } catch (error) {
    if (codeOf(error) === 'EEXIST' && (await stat(path)).isDirectory()) return;
    if (codeOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await make();
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function explain(cause: unknown, path: string): string {
  switch (codeOf(cause)) {
    case 'EACCES':
    case 'EPERM':
      return `${path} may not be written by this user. Change its owner, or choose another with --data.`;
    case 'EROFS':
      return `${path} is on a read-only file system. Choose another with --data.`;
    case 'ENOTDIR':
    case 'EEXIST':
      return `${path} is not a directory. Choose another with --data.`;
    case 'ENOSPC':
    case 'EDQUOT':
      return `there is no space left for ${path}. Free some, or choose another with --data.`;
    default:
      return `${path}: ${cause instanceof Error ? cause.message : String(cause)}`;
  }
}
