import { hostname, networkInterfaces } from 'node:os';
import type { TokenKey } from '../access/token-key.ts';
import { isEnded } from '../access/token-rows.ts';
import type { Database } from '../db/database.ts';
import { isHost, isWildcard } from '../lib/host-port.ts';
import { type AdminKey, ensureAdminKey } from './admin-key.ts';
import type { DataDirectory } from './data-directory.ts';
import { ensureAuthorizedKey, ensureFirstResources, type FirstResources } from './first-rows.ts';
import { assertSameInstallation, type OwnedStore } from './installation-id.ts';
import { SharedSecrets } from './shared-secrets.ts';
import { ensureTls, type TlsMaterial } from './tls.ts';
import { ensureAdminToken, ensureTokenKey } from './tokens.ts';

/** What the files and the first rows of a data directory give to the service. */
export interface Installation {
  readonly tls: TlsMaterial;
  readonly tokenKey: TokenKey;
  readonly first: FirstResources;
  /** Of the administrator's authorized key in the data directory. */
  readonly adminKeyId: string;
}

export interface OpenInstallation {
  readonly directory: DataDirectory;
  readonly db: Database;
  /** The store, where it is not in the directory. */
  readonly ownedStore?: OwnedStore | undefined;
  /** The hosts that the service listens on. */
  readonly listenHosts: readonly string[];
  /** More names for the server certificate. */
  readonly tlsNames: readonly string[];
  readonly now: Date;
}

/**
 * Makes what a first start has to make, and at later ones what is missing or worn out. It may be cut off anywhere: each
 * step finds out by itself whether it was done, and the next start completes them.
 */
export async function openInstallation(options: OpenInstallation): Promise<Installation> {
  const { directory, db, now } = options;
  const { credentials } = directory;
  await assertSameInstallation(db, directory.installationId, options.ownedStore);
  const first = await db.transact((tx) => ensureFirstResources(tx, now));
  const { administratorId } = first;
  // With the metadata and the store elsewhere there may be other processes, with directories of their own.
  const isShared = db.dialect === 'postgres' && options.ownedStore !== undefined;
  const shared = isShared ? new SharedSecrets(db, directory) : undefined;
  const { tls, tokenKey, key } = await agreeOnSecrets(shared, options, administratorId);
  await ensureAdminToken(credentials.adminToken, {
    tokenKey,
    administratorId,
    isEnded: (claims) => isEnded(db.read, claims),
    now,
  });
  // The file before the row: a key that is known and that nobody has would be of no use.
  await db.transact((tx) => ensureAuthorizedKey(tx, key));
  return { tls, tokenKey, first, adminKeyId: key.id };
}

interface Secrets {
  readonly tls: TlsMaterial;
  readonly tokenKey: TokenKey;
  readonly key: AdminKey;
}

/** Makes what secrets are missing. Where they are shared they are the ones that all processes have. */
async function agreeOnSecrets(
  shared: SharedSecrets | undefined,
  options: OpenInstallation,
  administratorId: string,
): Promise<Secrets> {
  const { directory, now } = options;
  for (;;) {
    await shared?.fetch();
    const secrets = {
      tls: await ensureTls({ directory: directory.tls, hosts: certificateHosts(options), now }),
      tokenKey: await ensureTokenKey(directory.credentials.tokenKey),
      key: await ensureAdminKey(directory.credentials.adminKey, administratorId, now),
    };
    // Another process was first: ours are not used for anything yet.
    if (shared === undefined || (await shared.publish())) return secrets;
  }
}

/** What clients may call this server. One that listens everywhere is called by all names and addresses it has. */
function certificateHosts({ listenHosts, tlsNames }: Pick<OpenInstallation, 'listenHosts' | 'tlsNames'>): string[] {
  const own = listenHosts.flatMap((host) => (isWildcard(host) ? [hostname(), ...interfaceAddresses()] : [host]));
  return [...new Set(['localhost', '127.0.0.1', '::1', ...own, ...tlsNames].filter(isHost))];
}

function interfaceAddresses(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  // Addresses of one link have a zone that only this machine knows, so a certificate can't name them.
  return addresses.filter(({ scopeid }) => !scopeid).map(({ address }) => address);
}
