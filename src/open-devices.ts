import type { Logger } from 'pino';
import { AttachedExports } from './attachments/attached-exports.ts';
import { adoptAttachments } from './attachments/attachment-rows.ts';
import { answerForExports } from './attachments/placed-exports.ts';
import type { ChangeNotices } from './db/change-notices.ts';
import type { Database } from './db/database.ts';
import { adoptDisks } from './disks/disk-rows.ts';
import { OpenDisks } from './disks/open-disks.ts';
import { answerForDisks } from './disks/placed-disks.ts';
import { findOverlays, setOverlaysAside } from './disks/sweep-overlays.ts';
import { findFrozenDisks } from './images/find-frozen-disks.ts';
import { findPooledVolumes } from './images/find-pooled-volumes.ts';
import type { DataDirectory } from './installation/data-directory.ts';
import type { ServedCertificate } from './installation/watched-certificate.ts';
import { formatHostPort, type HostPort, isLoopback, reachable } from './lib/host-port.ts';
import { repeat } from './lib/repeat.ts';
import { answerForPool } from './maintenance/get-pools.ts';
import { createNbdServer, type NbdServer } from './nbd/nbd-server.ts';
import { CallAnswers, forgetCalls } from './nodes/call-answers.ts';
import type { NodePresence } from './nodes/node-presence.ts';
import { Pool } from './pool/pool.ts';
import { ReadCache } from './volumes/read-cache.ts';
import type { Store } from './volumes/store.ts';
import { openVolume } from './volumes/stored-device.ts';

export interface DevicesOptions {
  readonly store: Store;
  readonly directory: DataDirectory;
  readonly poolBytes: number | undefined;
  readonly keepDeletedMs: number;
  readonly nodeId: string;
  /** Nobody else uses the database: whatever it says of other nodes means this one. */
  readonly isAlone: boolean;
  readonly presence: NodePresence;
  readonly notices: ChangeNotices;
  readonly log: Logger;
}

/** The block devices of a process: its disks, the pool they begin from, and who reads and writes them. */
export interface Devices extends AsyncDisposable {
  readonly reads: ReadCache;
  readonly pool: Pool;
  readonly here: OpenDisks;
  readonly exports: AttachedExports;
  readonly nbd: NbdServer;
  /** Serves NBD from now on, and lets the other nodes know. */
  listen(options: { readonly certificate: ServedCertificate } & NbdAddresses): Promise<void>;
}

interface NbdAddresses {
  readonly address: HostPort;
  /** Where clients are told to find it; undefined for where it listens. */
  readonly publicAddress: HostPort | undefined;
}

/** How often overlays are looked for whose disks are no more, and connections whose attachments are. */
const sweepEveryMs = 60_000;
const revokeEveryMs = 5_000;

/** Opens the devices of this process. Nothing is served before `listen`. */
export async function openDevices(options: DevicesOptions): Promise<Devices> {
  const { store, directory, poolBytes, keepDeletedMs, nodeId, isAlone, presence, notices, log } = options;
  const { db } = store;
  await using opening = new AsyncDisposableStack();
  const reads = new ReadCache();
  const pool = opening.use(
    await Pool.open({
      directory: directory.pool,
      limitBytes: poolBytes,
      reads,
      findPooled: () => findPooledVolumes(db.read),
      openVolume: (volumeId) => openVolume(store, volumeId),
      log,
      now: store.now,
    }),
  );
  await forgetCalls(db, nodeId);
  const frozenAt = isAlone ? undefined : nodeId;
  const here = opening.use(
    await OpenDisks.open({
      store,
      cache: pool,
      directory: directory.disks,
      nodeId,
      frozen: await findFrozenDisks(db.read, frozenAt),
      keepDeletedMs,
    }),
  );
  const exports = new AttachedExports({ store, cache: pool, disks: here, nodeId });
  opening.use(
    repeat({
      everyMs: sweepEveryMs,
      soonMs: sweepEveryMs,
      async run() {
        await here.sweep();
        await here.releaseForgotten(() => findFrozenDisks(db.read, frozenAt));
      },
      onError: (error) => log.error({ err: error }, 'sweeping overlays failed; it is tried again'),
    }),
  );
  const nbd = createNbdServer({ findExport: (ticket) => exports.find(ticket), tls: undefined, log });
  opening.defer(() => nbd.close());
  if (!isAlone) {
    const methods = { ...answerForDisks(here), ...answerForExports(exports), ...answerForPool(pool) };
    opening.use(new CallAnswers({ db, nodeId, methods, log, notices }));
    opening.use(
      repeat({
        everyMs: revokeEveryMs,
        soonMs: revokeEveryMs,
        run: () => exports.revokeDeleted(),
        onError: (error) => log.error({ err: error }, 'looking for deleted attachments failed; it is tried again'),
      }),
    );
  }
  const opened = opening.move();
  return {
    reads,
    pool,
    here,
    exports,
    nbd,
    async listen({ certificate, address, publicAddress }) {
      nbd.setCertificate(certificate);
      const bound = await listenForNbd(nbd, address, directory.nbdSocket);
      await presence.announceNbd(nbdUrl(bound, publicAddress));
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/**
 * Before the node enters: makes sure that what is in the data directory and what the metadata says of this node are about the
 * same disks. What is here and nowhere by the metadata is this node's: from before there were nodes, or since a backup.
 */
export async function settleOverlays({
  db,
  directory,
  nodeId,
  isAlone,
  wasRemoved,
  log,
}: Pick<DevicesOptions, 'nodeId' | 'isAlone' | 'log'> & {
  readonly db: Database;
  /** Of the overlays. */
  readonly directory: string;
  readonly wasRemoved: boolean;
}): Promise<void> {
  const overlays = await findOverlays(directory);
  if (wasRemoved) {
    const count = await setOverlaysAside({ directory, diskIds: overlays });
    if (count > 0) log.warn({ count }, 'this node was removed as lost: what was written to its disks is kept aside');
    return;
  }
  await db.transact(async (tx) => {
    await adoptDisks(tx, nodeId, { diskIds: overlays, ofAllNodes: isAlone });
    await adoptAttachments(tx, nodeId, { ofAllNodes: isAlone });
  });
}

/** On its port and on a socket in the data directory. Returns the port's address. */
async function listenForNbd(nbd: NbdServer, address: HostPort, socketPath: string): Promise<HostPort> {
  await nbd.listen({ socketPath, tls: 'optional' });
  const bound = await nbd.listen({ address, tls: isLoopback(address.host) ? 'optional' : 'required' });
  return bound ?? address;
}

/** What other machines can reach takes TLS only. */
function nbdUrl(bound: HostPort, publicAddress: HostPort | undefined): string {
  const scheme = isLoopback(bound.host) ? 'nbd' : 'nbds';
  return `${scheme}://${formatHostPort(publicAddress ?? reachable(bound))}/`;
}
