import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { Logger } from 'pino';
import { LiveTokens } from './access/live-tokens.ts';
import { deleteExpiredRevocations } from './access/token-rows.ts';
import { createApi } from './api/api.ts';
import { AttachedExports } from './attachments/attached-exports.ts';
import { forgetExpired } from './attachments/forget-expired.ts';
import { forgetAudit } from './audit/forget-audit.ts';
import { Refusals } from './audit/refusals.ts';
import { bindApi } from './bind-api.ts';
import { openBlobs } from './blobs/open-blobs.ts';
import type { Config } from './config.ts';
import { lockDataDirectory } from './db/data-lock.ts';
import { openDatabaseClock } from './db/database-clock.ts';
import { openDatabase } from './db/open-database.ts';
import { createCatalog } from './disks/catalog.ts';
import { OpenDisks } from './disks/open-disks.ts';
import { ensureStandardImages } from './folders/standard-images.ts';
import { createDigestKind } from './images/digest-kind.ts';
import { findFrozenDisks } from './images/find-frozen-disks.ts';
import { findPooledVolumes } from './images/find-pooled-volumes.ts';
import { createImportKind } from './images/import-kind.ts';
import { sweepSpool } from './images/sweep-spool.ts';
import { describeDataDirectory, makeDataDirectory } from './installation/data-directory.ts';
import { openInstallation } from './installation/open-installation.ts';
import { openUsers } from './installation/open-users.ts';
import { openWatchedCertificate, type WatchedCertificate } from './installation/watched-certificate.ts';
import { FairBudget } from './lib/fair-budget.ts';
import { formatHostPort, type HostPort, isLoopback, reachable } from './lib/host-port.ts';
import { repeat } from './lib/repeat.ts';
import { writeFileDurably } from './lib/write-file-durably.ts';
import { assertSamePlace } from './maintenance/assert-same-place.ts';
import { assertStoreIsKnown } from './maintenance/assert-store-is-known.ts';
import { createCheckKind } from './maintenance/check-kind.ts';
import { createCompactKind } from './maintenance/compact-kind.ts';
import { createScrubKind } from './maintenance/scrub-kind.ts';
import { startCompaction } from './maintenance/start-store-operation.ts';
import { meterBlobs } from './metrics/metered-blobs.ts';
import { meterDatabase } from './metrics/metered-database.ts';
import { MeteredKinds } from './metrics/metered-kinds.ts';
import { listenForScrapes } from './metrics/metrics-listener.ts';
import { createServiceMetrics } from './metrics/service-metrics.ts';
import { createNbdServer, type NbdServer } from './nbd/nbd-server.ts';
import { defaultRetention, forgetOld } from './operations/forget-old.ts';
import { kindsByName, type OperationKind } from './operations/kind.ts';
import { assertLease, isLeaseHeld } from './operations/lease.ts';
import { OperationWaits } from './operations/operation-waits.ts';
import { createRunner } from './operations/runner.ts';
import { Pool } from './pool/pool.ts';
import { replaceQuotaDefaults } from './quotas/quota-rows.ts';
import { createSnapshotCreation } from './snapshots/create-kind.ts';
import { createAddressPolicy } from './sources/address-policy.ts';
import { ownAddresses } from './sources/own-addresses.ts';
import { openUploads } from './uploads/open-uploads.ts';
import { collectorDefaults, startCollector } from './volumes/collector.ts';
import { forgetLostPacks } from './volumes/forget-lost-packs.ts';
import { ReadCache } from './volumes/read-cache.ts';
import { createStoreThreads, type Store, type StoreCounts } from './volumes/store.ts';
import { openVolume } from './volumes/stored-device.ts';

/** What all imports together may hold in memory. */
const importMemoryBytes = 256 * 1024 * 1024;

/** Imports under way at once: many more than the memory is enough for, because most of them wait for bytes to come. */
const importPlaces = 16;

/** For how long an import keeps its place when more clouds than there are places have something to import. */
const importTurnMs = 10 * 60_000;

/** Phases of the shutdown: calls that run may end, then work under way is given back. Both fit in ten seconds. */
const drainMs = 4_000;
const giveBackMs = 3_000;

/** How often attachments that were not used in time are looked for. */
const forgetAttachmentsEveryMs = 60_000;

/** How often operations, idempotency keys and revocations that are long over are looked for. */
const forgetEveryMs = 3_600_000;

/** The service, serving. */
export interface Service {
  /** The first port, with the number that was really taken. */
  readonly address: HostPort;
  readonly folderId: string;
  /** Ends in phases; what was acknowledged is durable, what was under way goes on at the next start. */
  close(): Promise<void>;
}

export interface ServiceOptions {
  /** Called when the metadata is lost to this process: the service can answer nothing more, only a new start can. */
  readonly onLost?: (error: Error) => void;
}

/**
 * Composes the service from its parts and starts it: the only place that knows every folder. What was opened is closed
 * in the opposite order, also when opening fails halfway.
 */
export async function openService(config: Config, log: Logger, { onLost }: ServiceOptions = {}): Promise<Service> {
  await using opening = new AsyncDisposableStack();
  const directory = describeDataDirectory(config.dataDirectory);
  await makeDataDirectory(directory);
  opening.use(lockDataDirectory(directory.lock));
  const database = meterDatabase(await openDatabase({ url: config.databaseUrl, path: directory.database, onLost }));
  const db = opening.use(database.db);
  // What processes compare of each other's times is told by this clock alone.
  const { now } = opening.use(
    await openDatabaseClock({
      read: db.read,
      onError: (error) => log.warn({ err: error }, 'the database did not say what time it is; it is asked again'),
    }),
  );
  let bucketRetries = 0;
  const kept = opening.use(
    await openBlobs({
      directory: directory.packs,
      s3: config.s3,
      cache: { directory: directory.cache, limitBytes: config.cacheBytes },
      onCacheError: (error) => log.warn({ err: error }, 'the cache of the S3 bucket failed; it is done without'),
      onRetry(reason, attempt, waitMs) {
        bucketRetries += 1;
        log.warn({ reason, attempt, waitMs: Math.round(waitMs) }, 'a request to the S3 server failed; it is repeated');
      },
    }),
  );
  const { blobs, figures: blobFigures } = meterBlobs(kept.blobs);
  await assertStoreIsKnown(db, blobs);
  await assertSamePlace(db, config.s3 === undefined ? 'directory' : 's3');
  const installation = await openInstallation({
    directory,
    db,
    ownedStore: kept.owner,
    listenHost: config.listen.host,
    tlsNames: config.tlsNames,
    now: new Date(),
  });
  await db.transact((tx) => ensureStandardImages(tx, new Date()));
  await db.transact((tx) => replaceQuotaDefaults(tx, config.quotas));

  const threads = opening.use(createStoreThreads(Math.max(2, availableParallelism())));
  const leases = { assertHeld: assertLease, isHeld: isLeaseHeld };
  const counts: StoreCounts = { newBytes: 0, knownBytes: 0, encodedBytes: 0, corruptChunks: 0 };
  const store: Store = { db, blobs, threads, leases, log, counts, now };
  await forgetLostPacks(store);
  opening.use(
    repeat({
      everyMs: forgetEveryMs,
      soonMs: forgetEveryMs,
      async run(signal) {
        await forgetOld(store, defaultRetention, signal);
        await forgetAudit(store, config.auditRetention, signal);
        await db.transact((tx) => deleteExpiredRevocations(tx, new Date(now())));
      },
      onError: (error) => log.error({ err: error }, 'forgetting what is over failed; it is tried again'),
    }),
  );

  const uploads = opening.use(
    await openUploads({
      db,
      directory: directory.uploads,
      blobs: kept.uploadBlobs,
      limits: config.uploadsBytes === undefined ? {} : { maxTotalBytes: config.uploadsBytes },
      now,
      onError: (error) => log.error({ err: error }, 'sweeping uploads failed; it is tried again'),
    }),
  );
  await sweepSpool({ db, spoolDirectory: directory.spool });
  const memory = new FairBudget(importMemoryBytes);
  const reads = new ReadCache();
  const pool = opening.use(
    await Pool.open({
      directory: directory.pool,
      limitBytes: config.poolBytes,
      reads,
      findPooled: () => findPooledVolumes(db.read),
      openVolume: (volumeId) => openVolume(store, volumeId),
      log,
      now: store.now,
    }),
  );
  const contents = opening.use(
    await OpenDisks.open({
      store,
      cache: pool,
      directory: directory.disks,
      frozen: await findFrozenDisks(db.read),
      keepDeletedMs: config.keepDeletedMs,
    }),
  );
  const onGarbage = () => {
    collector.wake();
    pool.wake();
  };
  const importKind = createImportKind({
    store,
    contents,
    policy: createAddressPolicy({ allow: config.allowSources, isOwn: ownAddresses(listenersOf(config)) }),
    memory,
    spoolDirectory: directory.spool,
    onGarbage,
    uploads,
    onUploadUsed: () => uploads.wake(),
  });
  const snapshotKind = createSnapshotCreation({ store, contents, memory, onGarbage });
  const imageKinds = [importKind, snapshotKind];
  const digestKind = createDigestKind(store);
  const storeKinds = [
    createCheckKind(store, config.keepDeletedMs),
    createScrubKind(store),
    createCompactKind({ store, onGarbage }),
  ];
  const kinds = kindsByName([...imageKinds, digestKind, ...storeKinds]);
  const metered = new MeteredKinds();
  const meteredByName = (some: readonly OperationKind[]) => kindsByName(some.map((kind) => metered.meter(kind)));
  const ownerId = randomUUID();
  const waits = opening.use(
    new OperationWaits({
      db,
      onError: (error) => log.error({ err: error }, 'looking for operations that ended failed; it is tried again'),
    }),
  );
  const running = { db, log, ownerId, onSettled: (operationId: string) => waits.settled(operationId) };
  const imageRunner = opening.use(
    createRunner({ ...running, kinds: meteredByName(imageKinds), concurrency: importPlaces, turnMs: importTurnMs }),
  );
  // A scrub takes hours: it must not take an import's place. What an earlier process left is the first one's to free.
  const storeRunner = opening.use(
    createRunner({ ...running, kinds: meteredByName(storeKinds), concurrency: storeKinds.length, isAlone: false }),
  );
  // Nor must those who only see images, and have them hashed, take the places of those who make some.
  const digestRunner = opening.use(
    createRunner({ ...running, kinds: meteredByName([digestKind]), concurrency: 2, isAlone: false }),
  );
  const runners = [imageRunner, storeRunner, digestRunner];
  const runner = {
    wake(): void {
      for (const one of runners) one.wake();
    },
    abort(operationId: string): void {
      for (const one of runners) one.abort(operationId);
      waits.settled(operationId);
    },
  };
  const { folderId, administratorId } = installation.first;
  const collector = opening.use(
    startCollector(store, {
      ...collectorDefaults,
      delayMs: config.keepDeletedMs,
      onCompactable: () => startCompaction({ db, runner, folderId, createdBy: administratorId }),
    }),
  );

  opening.use(
    repeat({
      everyMs: forgetAttachmentsEveryMs,
      soonMs: forgetAttachmentsEveryMs,
      async run(signal) {
        if ((await forgetExpired(store, signal)) > 0) onGarbage();
      },
      onError: (error) => log.error({ err: error }, 'taking expired attachments away failed; it is tried again'),
    }),
  );

  const catalog = createCatalog(config.zones, config.diskTypes);
  const exports = new AttachedExports({ store, cache: pool, disks: contents });
  const certificate = opening.use(
    await openWatchedCertificate({
      paths: config.certificate,
      own: installation.tls,
      log,
      onChange(changed) {
        nbd.setCertificate(changed);
        api.setCertificate(changed);
      },
    }),
  );
  const nbd = createNbdServer({ findExport: (ticket) => exports.find(ticket), tls: certificate.current(), log });
  opening.defer(() => nbd.close());
  const nbdAddress = await listenForNbd(nbd, config.nbd, directory.nbdSocket);
  const exportUri = (ticket: string) => nbdUri(nbdAddress, ticket);
  const { users } = opening.use(await openUsers({ path: config.usersPath, administratorId, log }));
  const publicAddress = config.publicAddress && formatHostPort(config.publicAddress);
  const isOurHost = (host: string) => host === config.publicAddress?.host || certificate.isOurHost(host);
  const identity = { users, liveTokens: new LiveTokens({ db, users }), isOurHost, publicAddress };
  let droppedRefusals = 0;
  const refusals = opening.use(
    new Refusals({
      db,
      onDropped(count) {
        droppedRefusals += count;
        log.warn({ count }, 'too many refused calls to record them all');
      },
      onError: (error) => log.error({ err: error }, 'refused calls could not be recorded'),
    }),
  );
  const parts = { store, runner, kinds, uploads, installation, log, onGarbage, contents, catalog, exports, exportUri };
  const metrics = opening.use(
    createServiceMetrics({
      database,
      directory: directory.root,
      store,
      counts,
      blobs: { work: blobFigures, cache: kept.cacheFigures, retries: () => bucketRetries },
      memory,
      kinds: metered,
      collector,
      reads,
      pool,
      disks: contents,
      nbd,
      api: () => api.figures(),
      droppedRefusals: () => droppedRefusals,
    }),
  );
  const compute = { linkBase: config.linkBase, objectStore: config.objectStore };
  const api = await createApi(bindApi({ ...parts, ...identity, waits, pool, refusals, compute, metrics }));
  opening.defer(() => api.close({ graceMs: drainMs }));
  if (config.metrics !== undefined) opening.use(await listenForScrapes(metrics, config.metrics));
  for (const one of runners) await one.start();
  const address = await listenAll(api, config, certificate);
  await writeFileDurably(
    directory.serving,
    `${JSON.stringify({ endpoint: formatHostPort(reachable(address)) })}\n`,
    0o600,
  );
  opening.defer(() => rm(directory.serving, { force: true }));

  const opened = opening.move();
  return {
    address,
    folderId: installation.first.folderId,
    async close() {
      // Who waits for an operation would hold the API open.
      waits[Symbol.dispose]();
      // NBD with the API: detaching waits for its connections. What they wrote is durable when they are closed.
      await Promise.all([api.close({ graceMs: drainMs }), nbd.close({ graceMs: drainMs })]);
      await Promise.all(runners.map((one) => one.stop({ graceMs: giveBackMs })));
      await opened.disposeAsync();
    },
  };
}

/** Takes every port that the configuration names; returns the first one's address. */
async function listenAll(
  api: Awaited<ReturnType<typeof createApi>>,
  config: Config,
  served: WatchedCertificate,
): Promise<HostPort> {
  const { plaintext } = config;
  const common = { certificate: served.current(), installationCertificate: served.own, plaintext };
  const address = await api.listen({ ...common, address: config.listen, doors: 'both' });
  if (config.grpc !== undefined) await api.listen({ ...common, address: config.grpc, doors: 'grpc' });
  if (config.rest !== undefined) await api.listen({ ...common, address: config.rest, doors: 'rest' });
  return address;
}

function listenersOf({ listen, grpc, rest, nbd, metrics }: Config): HostPort[] {
  return [listen, grpc, rest, nbd, metrics].filter((address) => address !== undefined);
}

/** On its port and on a socket in the data directory. Returns the port's address. */
async function listenForNbd(nbd: NbdServer, address: HostPort, socketPath: string): Promise<HostPort> {
  await nbd.listen({ socketPath, tls: 'optional' });
  const bound = await nbd.listen({ address, tls: isLoopback(address.host) ? 'optional' : 'required' });
  return bound ?? address;
}

/** What other machines can reach takes TLS only. */
function nbdUri(address: HostPort, ticket: string): string {
  const scheme = isLoopback(address.host) ? 'nbd' : 'nbds';
  return `${scheme}://${formatHostPort(reachable(address))}/${ticket}`;
}
