import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { Logger } from 'pino';
import { LiveTokens } from './access/live-tokens.ts';
import { type Api, type ApiFigures, createApi } from './api/api.ts';
import { createPlacedExports } from './attachments/placed-exports.ts';
import { Refusals } from './audit/refusals.ts';
import { bindApi } from './bind-api.ts';
import { openBlobs } from './blobs/open-blobs.ts';
import type { Config } from './config.ts';
import { lockDataDirectory } from './db/data-lock.ts';
import { openDatabaseClock } from './db/database-clock.ts';
import { openDatabase } from './db/open-database.ts';
import { openNotices } from './db/open-notices.ts';
import { createCatalog } from './disks/catalog.ts';
import { createPlacedDisks } from './disks/placed-disks.ts';
import { ensureStandardImages } from './folders/standard-images.ts';
import { createDigestKind } from './images/digest-kind.ts';
import { createImportKind } from './images/import-kind.ts';
import { sweepSpool } from './images/sweep-spool.ts';
import { describeDataDirectory, makeDataDirectory } from './installation/data-directory.ts';
import { ensureNodeId } from './installation/node-id.ts';
import { openInstallation } from './installation/open-installation.ts';
import { openUsers } from './installation/open-users.ts';
import { openWatchedCertificate, type WatchedCertificate } from './installation/watched-certificate.ts';
import { FairBudget } from './lib/fair-budget.ts';
import { formatHostPort, type HostPort, reachable } from './lib/host-port.ts';
import { writeFileDurably } from './lib/write-file-durably.ts';
import { assertSamePlace } from './maintenance/assert-same-place.ts';
import { assertStoreIsKnown } from './maintenance/assert-store-is-known.ts';
import { createCheckKind } from './maintenance/check-kind.ts';
import { createCompactKind } from './maintenance/compact-kind.ts';
import { getPools } from './maintenance/get-pools.ts';
import { createScrubKind } from './maintenance/scrub-kind.ts';
import { meterBlobs } from './metrics/metered-blobs.ts';
import { meterDatabase } from './metrics/metered-database.ts';
import { MeteredKinds } from './metrics/metered-kinds.ts';
import { listenForScrapes } from './metrics/metrics-listener.ts';
import { createServiceMetrics } from './metrics/service-metrics.ts';
import { createNodeCalls } from './nodes/node-calls.ts';
import { openPresence } from './nodes/node-presence.ts';
import { openDevices, settleOverlays } from './open-devices.ts';
import { openWork } from './open-work.ts';
import { kindsByName } from './operations/kind.ts';
import { assertLease, isLeaseHeld } from './operations/lease.ts';
import { endLeasesOfNode, leaseOwner } from './operations/operation-rows.ts';
import { OperationWaits } from './operations/operation-waits.ts';
import { replaceQuotaDefaults } from './quotas/quota-rows.ts';
import { createSnapshotCreation } from './snapshots/create-kind.ts';
import { createAddressPolicy } from './sources/address-policy.ts';
import { ownAddresses } from './sources/own-addresses.ts';
import { openUploads } from './uploads/open-uploads.ts';
import { forgetLostPacks } from './volumes/forget-lost-packs.ts';
import { createStoreThreads, type Store, type StoreCounts } from './volumes/store.ts';

/** What all imports together may hold in memory. */
const importMemoryBytes = 256 * 1024 * 1024;

/** Phases of the shutdown: calls that run may end, then work under way is given back. Both fit in ten seconds. */
const drainMs = 4_000;
const giveBackMs = 3_000;

/** The service, serving. */
export interface Service {
  /** The API's first port, with the number that was really taken; undefined for a process that has no API. */
  readonly address: HostPort | undefined;
  /** The port of the figures and of the health, likewise. */
  readonly metricsAddress: HostPort | undefined;
  readonly nodeId: string;
  readonly folderId: string;
  /** Ends in phases; what was acknowledged is durable, what was under way goes on at the next start. */
  close(): Promise<void>;
}

export interface ServiceOptions {
  /** Called when this process can answer nothing more, only a new start can: the metadata is lost to it, or it to the metadata. */
  readonly onLost?: (error: Error) => void;
}

/**
 * Composes the service from its parts and starts it: with open-devices.ts, open-work.ts and bind-api.ts, the only place that
 * knows every folder. Which parts, its roles say. What was opened is closed in the opposite order, also when opening fails halfway.
 */
export async function openService(
  config: Config,
  log: Logger,
  { onLost = () => {} }: ServiceOptions = {},
): Promise<Service> {
  const { roles } = config;
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
  const notices = opening.use(openNotices(config.databaseUrl, log));
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
    listenHosts: [config.listen.host, ...(roles.includes('block') ? [config.nbd.host] : [])],
    tlsNames: [...config.tlsNames, ...(config.nbdAddress === undefined ? [] : [config.nbdAddress.host])],
    now: new Date(),
  });
  await db.transact((tx) => ensureStandardImages(tx, new Date()));
  await db.transact((tx) => replaceQuotaDefaults(tx, config.quotas));

  // Others can use the database only where the packs are nobody's own.
  const isAlone = config.databaseUrl === undefined || config.s3 === undefined;
  const nodeId = await ensureNodeId(directory.nodeId);
  const presence = opening.use(
    await openPresence({
      db,
      id: nodeId,
      roles,
      isAlone,
      async settle({ wasRemoved }) {
        if (!roles.includes('block')) return;
        await settleOverlays({ db, directory: directory.disks, nodeId, isAlone, wasRemoved, log });
      },
      onLost: () =>
        onLost(
          new Error(`node ${nodeId} was removed as lost, or another process runs as it: what is here may be nobody's`),
        ),
      onError: (error) => log.error({ err: error }, 'the other nodes could not be told that this one is there'),
    }),
  );
  const calls = createNodeCalls({ db, notices });

  const threads = opening.use(createStoreThreads(Math.max(2, availableParallelism())));
  const leases = { assertHeld: assertLease, isHeld: isLeaseHeld };
  const counts: StoreCounts = { newBytes: 0, knownBytes: 0, encodedBytes: 0, corruptChunks: 0 };
  const store: Store = { db, blobs, threads, leases, log, counts, now };
  await forgetLostPacks(store);

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
  const { keepDeletedMs, poolBytes } = config;
  const devices = roles.includes('block')
    ? opening.use(
        await openDevices({ store, directory, poolBytes, keepDeletedMs, nodeId, isAlone, presence, notices, log }),
      )
    : undefined;
  const contents = createPlacedDisks({ db, nodeId, isAlone, here: devices?.here, calls });
  const onGarbage = () => {
    work.collector?.wake();
    devices?.pool.wake();
  };

  const memory = new FairBudget(importMemoryBytes);
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
  const kinds = {
    images: [importKind, createSnapshotCreation({ store, contents, memory, onGarbage })],
    store: [createCheckKind(store, keepDeletedMs), createScrubKind(store), createCompactKind({ store, onGarbage })],
    digest: createDigestKind(store),
  };
  const metered = new MeteredKinds();
  const waits = opening.use(
    new OperationWaits({
      db,
      notices,
      onError: (error) => log.error({ err: error }, 'looking for operations that ended failed; it is tried again'),
    }),
  );
  const { auditRetention } = config;
  const { first } = installation;
  // The directory is locked: whoever ran here before is dead.
  await db.transact((tx) => endLeasesOfNode(tx, nodeId));
  const ownerId = leaseOwner(nodeId, randomUUID());
  const spoolDirectory = directory.spool;
  const work = opening.use(
    openWork({
      ...{ store, notices, roles, nodeId, isAlone, kinds, metered, waits, ownerId, spoolDirectory },
      ...{ auditRetention, keepDeletedMs, first, onGarbage, log },
    }),
  );

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
  const apiFigures = (): ApiFigures => {
    if (api === undefined) throw new Error('this process has no API');
    return api.figures();
  };
  const metrics = opening.use(
    createServiceMetrics({
      database,
      notices,
      directory: directory.root,
      store,
      counts,
      blobs: { work: blobFigures, cache: kept.cacheFigures, retries: () => bucketRetries },
      memory,
      kinds: metered,
      collector: work.collector,
      devices,
      api: roles.includes('api') ? apiFigures : undefined,
      droppedRefusals: () => droppedRefusals,
    }),
  );
  const certificate = opening.use(
    await openWatchedCertificate({
      paths: config.certificate,
      own: installation.tls,
      log,
      onChange(changed) {
        devices?.nbd.setCertificate(changed);
        api?.setCertificate(changed);
      },
    }),
  );
  const { users } = opening.use(
    await openUsers({ path: config.usersPath, administratorId: first.administratorId, log }),
  );
  const publicAddress = config.publicAddress && formatHostPort(config.publicAddress);
  const isOurHost = (host: string) => host === config.publicAddress?.host || certificate.isOurHost(host);
  const identity = { users, liveTokens: new LiveTokens({ db, users }), isOurHost, publicAddress };
  const compute = { linkBase: config.linkBase, objectStore: config.objectStore };
  const api: Api | undefined = roles.includes('api')
    ? await createApi(
        bindApi({
          ...identity,
          ...{ store, uploads, installation, log, onGarbage, contents, compute, metrics, refusals, waits, nodeId },
          runner: work.runner,
          kinds: kindsByName([...kinds.images, kinds.digest, ...kinds.store]),
          catalog: createCatalog(config.zones, config.diskTypes),
          exports: createPlacedExports({ nodeId, here: devices?.exports, calls }),
          pool: { getPools: () => getPools({ db, nodeId, here: devices?.pool, calls }) },
        }),
      )
    : undefined;
  if (api !== undefined) opening.defer(() => api.close({ graceMs: drainMs }));
  const scrapes =
    config.metrics === undefined ? undefined : opening.use(await listenForScrapes(metrics, config.metrics));
  const { nbd: nbdListen, nbdAddress } = config;
  await devices?.listen({ certificate: certificate.current(), address: nbdListen, publicAddress: nbdAddress });
  await work.runner.start();
  const address = api === undefined ? undefined : await listenAll(api, config, certificate);
  if (address !== undefined) {
    const serving = `${JSON.stringify({ endpoint: formatHostPort(reachable(address)) })}\n`;
    await writeFileDurably(directory.serving, serving, 0o600);
    opening.defer(() => rm(directory.serving, { force: true }));
  }

  const opened = opening.move();
  return {
    address,
    metricsAddress: scrapes?.address,
    nodeId,
    folderId: first.folderId,
    async close() {
      // Who waits for an operation would hold the API open.
      waits[Symbol.dispose]();
      // NBD with the API: detaching waits for its connections. What they wrote is durable when they are closed.
      await Promise.all([api?.close({ graceMs: drainMs }), devices?.nbd.close({ graceMs: drainMs })]);
      await work.runner.stop({ graceMs: giveBackMs });
      await opened.disposeAsync();
    },
  };
}

/** Takes every port that the configuration names; returns the first one's address. */
async function listenAll(api: Api, config: Config, served: WatchedCertificate): Promise<HostPort> {
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
