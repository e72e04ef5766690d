import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { Logger } from 'pino';
import { authenticate } from './access/authenticate.ts';
import { authorize } from './access/authorize.ts';
import { issueToken } from './access/issue-token.ts';
import { type ApiDeps, createApi } from './api/api.ts';
import { AttachedExports } from './attachments/attached-exports.ts';
import { createAttachment } from './attachments/create-attachment.ts';
import { deleteAttachment } from './attachments/delete-attachment.ts';
import { attachedDisks } from './attachments/disk-users.ts';
import { folderOf } from './attachments/folder-of.ts';
import { getAttachment } from './attachments/get-attachment.ts';
import { listAttachments } from './attachments/list-attachments.ts';
import { openLocalBlobs } from './blobs/local.ts';
import type { Config } from './config.ts';
import { lockDataDirectory } from './db/data-lock.ts';
import { openDatabase } from './db/open-database.ts';
import { type Catalog, createCatalog } from './disks/catalog.ts';
import { createDisk } from './disks/create-disk.ts';
import { deleteDisk } from './disks/delete-disk.ts';
import type { DiskContents } from './disks/disk-contents.ts';
import { getDisk } from './disks/get-disk.ts';
import { listDiskOperations } from './disks/list-disk-operations.ts';
import { listDisks } from './disks/list-disks.ts';
import { moveDisk } from './disks/move-disk.ts';
import { OpenDisks } from './disks/open-disks.ts';
import { relocateDisk } from './disks/relocate-disk.ts';
import { updateDisk } from './disks/update-disk.ts';
import { getCloud } from './folders/get-cloud.ts';
import { getFolder } from './folders/get-folder.ts';
import { listClouds } from './folders/list-clouds.ts';
import { listFolders } from './folders/list-folders.ts';
import { computeDigest } from './images/compute-digest.ts';
import { createImage } from './images/create-image.ts';
import { deleteImage } from './images/delete-image.ts';
import { createDigestKind } from './images/digest-kind.ts';
import { findFrozenDisks } from './images/find-frozen-disks.ts';
import { getImage } from './images/get-image.ts';
import { getImageSource } from './images/get-image-source.ts';
import { getLatestByFamily } from './images/get-latest-by-family.ts';
import { lockImageSource } from './images/image-source.ts';
import { createImportKind } from './images/import-kind.ts';
import { listImageOperations } from './images/list-image-operations.ts';
import { listImages } from './images/list-images.ts';
import { openImageContent } from './images/open-image-content.ts';
import { sweepSpool } from './images/sweep-spool.ts';
import { updateImage } from './images/update-image.ts';
import { describeDataDirectory, makeDataDirectory } from './installation/data-directory.ts';
import { type Installation, openInstallation } from './installation/open-installation.ts';
import { formatHostPort, type HostPort, isLoopback, reachable } from './lib/host-port.ts';
import { MemoryBudget } from './lib/memory-budget.ts';
import { repeat } from './lib/repeat.ts';
import { writeFileDurably } from './lib/write-file-durably.ts';
import { assertStoreIsKnown } from './maintenance/assert-store-is-known.ts';
import { createCheckKind } from './maintenance/check-kind.ts';
import { createCompactKind } from './maintenance/compact-kind.ts';
import { getSpace } from './maintenance/get-space.ts';
import { createScrubKind } from './maintenance/scrub-kind.ts';
import { startCheck, startCompaction, startScrub } from './maintenance/start-store-operation.ts';
import { createNbdServer, type NbdServer } from './nbd/nbd-server.ts';
import { cancelOperation } from './operations/cancel-operation.ts';
import { defaultRetention, forgetOld } from './operations/forget-old.ts';
import { getOperation } from './operations/get-operation.ts';
import { kindsByName, type OperationKinds } from './operations/kind.ts';
import { assertLease, isLeaseHeld } from './operations/lease.ts';
import type { Operation } from './operations/operation.ts';
import { createRunner, type Runner } from './operations/runner.ts';
import { createSnapshotCreation } from './snapshots/create-kind.ts';
import { createSnapshot } from './snapshots/create-snapshot.ts';
import { deleteSnapshot } from './snapshots/delete-snapshot.ts';
import { getSnapshot } from './snapshots/get-snapshot.ts';
import { listSnapshotOperations } from './snapshots/list-snapshot-operations.ts';
import { listSnapshots } from './snapshots/list-snapshots.ts';
import { lockSnapshotSource } from './snapshots/snapshot-rows.ts';
import { updateSnapshot } from './snapshots/update-snapshot.ts';
import { createAddressPolicy } from './sources/address-policy.ts';
import { ownAddresses } from './sources/own-addresses.ts';
import { checkUri } from './sources/source-uri.ts';
import { appendToUpload } from './uploads/append-to-upload.ts';
import { createUpload } from './uploads/create-upload.ts';
import { deleteUpload } from './uploads/delete-upload.ts';
import { getUpload } from './uploads/get-upload.ts';
import { listUploads } from './uploads/list-uploads.ts';
import { openUploads } from './uploads/open-uploads.ts';
import { settleUpload } from './uploads/settle-upload.ts';
import type { Uploads } from './uploads/uploads.ts';
import { collectorDefaults, startCollector } from './volumes/collector.ts';
import { ReadCache } from './volumes/read-cache.ts';
import { createStoreThreads, type Store } from './volumes/store.ts';

/** What all imports together may hold in memory. */
const importMemoryBytes = 256 * 1024 * 1024;

/** Phases of the shutdown: calls that run may end, then work under way is given back. Both fit in ten seconds. */
const drainMs = 4_000;
const giveBackMs = 3_000;

/** How often operations and idempotency keys that are long over are looked for. */
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
  const db = opening.use(await openDatabase({ url: config.databaseUrl, path: directory.database, onLost }));
  const blobs = opening.use(await openLocalBlobs(directory.packs));
  await assertStoreIsKnown(db, blobs);
  const installation = await openInstallation({
    directory,
    db,
    listenHost: config.listen.host,
    tlsNames: config.tlsNames,
    now: new Date(),
  });

  const threads = opening.use(createStoreThreads(Math.max(2, availableParallelism())));
  const leases = { assertHeld: assertLease, isHeld: isLeaseHeld };
  const store: Store = { db, blobs, threads, leases, log, now: Date.now };
  opening.use(
    repeat({
      everyMs: forgetEveryMs,
      soonMs: forgetEveryMs,
      run: async (signal) => void (await forgetOld(store, defaultRetention, signal)),
      onError: (error) => log.error({ err: error }, 'forgetting old operations failed; it is tried again'),
    }),
  );

  const uploads = opening.use(
    await openUploads({
      db,
      directory: directory.uploads,
      onError: (error) => log.error({ err: error }, 'sweeping uploads failed; it is tried again'),
    }),
  );
  await sweepSpool({ db, spoolDirectory: directory.spool });
  const memory = new MemoryBudget(importMemoryBytes);
  const cache = new ReadCache();
  const contents = opening.use(
    await OpenDisks.open({ store, cache, directory: directory.disks, frozen: await findFrozenDisks(db.read) }),
  );
  const onGarbage = () => collector.wake();
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
  const imageKinds = [importKind, createDigestKind(store), snapshotKind];
  const storeKinds = [
    createCheckKind(store, config.keepDeletedMs),
    createScrubKind(store),
    createCompactKind({ store, onGarbage }),
  ];
  const kinds = kindsByName([...imageKinds, ...storeKinds]);
  const ownerId = randomUUID();
  const imageRunner = opening.use(createRunner({ db, kinds: kindsByName(imageKinds), log, ownerId }));
  // A scrub takes hours: it must not take an import's place. What an earlier process left is the first one's to free.
  const storeRunner = opening.use(
    createRunner({ db, kinds: kindsByName(storeKinds), log, ownerId, concurrency: storeKinds.length, isAlone: false }),
  );
  const runner = {
    wake(): void {
      imageRunner.wake();
      storeRunner.wake();
    },
    abort(operationId: string): void {
      imageRunner.abort(operationId);
      storeRunner.abort(operationId);
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

  const catalog = createCatalog(config.zones, config.diskTypes);
  const exports = new AttachedExports({ store, cache, disks: contents });
  const certificate = { cert: installation.tls.certificate, key: installation.tls.privateKey };
  const nbd = createNbdServer({ findExport: (ticket) => exports.find(ticket), tls: certificate, log });
  opening.defer(() => nbd.close());
  const nbdAddress = await listenForNbd(nbd, config.nbd, directory.nbdSocket);
  const exportUri = (ticket: string) => nbdUri(nbdAddress, ticket);
  const parts = { store, runner, kinds, uploads, installation, log, onGarbage, contents, catalog, exports, exportUri };
  const api = await createApi(bindApi(parts));
  opening.defer(() => api.close({ graceMs: drainMs }));
  await imageRunner.start();
  await storeRunner.start();
  const address = await listenAll(api, config, installation);
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
      // NBD with the API: detaching waits for its connections. What they wrote is durable when they are closed.
      await Promise.all([api.close({ graceMs: drainMs }), nbd.close({ graceMs: drainMs })]);
      await Promise.all([imageRunner, storeRunner].map((one) => one.stop({ graceMs: giveBackMs })));
      await opened.disposeAsync();
    },
  };
}

interface Parts {
  readonly store: Store;
  readonly runner: Pick<Runner, 'wake' | 'abort'>;
  readonly kinds: OperationKinds;
  readonly uploads: Uploads;
  readonly installation: Installation;
  readonly log: Logger;
  readonly contents: DiskContents;
  readonly catalog: Catalog;
  readonly exports: AttachedExports;
  /** Where clients find the export of a ticket. */
  readonly exportUri: (ticket: string) => string;
  /** There may be something to collect. */
  readonly onGarbage: () => void;
}

/** The functions that the doors call, each with what it needs. */
function bindApi(parts: Parts): ApiDeps {
  const { store, runner, kinds, uploads, installation, log, onGarbage, contents, catalog, exports, exportUri } = parts;
  const { db } = store;
  const { tokenKey, first } = installation;
  const sources = { image: lockImageSource, snapshot: lockSnapshotSource };
  const deps = {
    db,
    store,
    runner,
    kinds,
    checkUri,
    tokenKey,
    contents,
    catalog,
    sources,
    exports,
    users: attachedDisks,
  };
  /** A Delete's operation, and its content may be garbage. */
  const deleted = async (operation: Promise<Operation>): Promise<Operation> => {
    await operation;
    onGarbage();
    return operation;
  };
  return {
    log,
    authenticate: (authorization) => authenticate(deps, authorization),
    authorize: (subject, permission, scope) => authorize(first, subject, permission, scope),
    tokens: { issueToken: (request) => issueToken(deps, request) },
    images: {
      createImage: (request, caller) => createImage(deps, request, caller),
      getImage: (request) => getImage(deps, request),
      getImageSource: (request) => getImageSource(deps, request),
      getLatestByFamily: (request) => getLatestByFamily(deps, request),
      listImages: (request) => listImages(deps, request),
      updateImage: (request, caller) => updateImage(deps, request, caller),
      deleteImage: (request, caller) => deleted(deleteImage(deps, request, caller)),
      listImageOperations: (request) => listImageOperations(deps, request),
      computeDigest: (request, caller) => computeDigest(deps, request, caller),
      openImageContent: (request) => openImageContent(deps, request),
    },
    disks: {
      createDisk: (request, caller) => createDisk(deps, request, caller),
      getDisk: (request) => getDisk(deps, request),
      listDisks: (request) => listDisks(deps, request),
      updateDisk: (request, caller) => updateDisk(deps, request, caller),
      deleteDisk: (request, caller) => deleted(deleteDisk(deps, request, caller)),
      moveDisk: (request, caller) => moveDisk(deps, request, caller),
      relocateDisk: (request, caller) => relocateDisk(deps, request, caller),
      listDiskOperations: (request) => listDiskOperations(deps, request),
    },
    snapshots: {
      createSnapshot: (request, caller) => createSnapshot(deps, request, caller),
      getSnapshot: (request) => getSnapshot(deps, request),
      listSnapshots: (request) => listSnapshots(deps, request),
      updateSnapshot: (request, caller) => updateSnapshot(deps, request, caller),
      deleteSnapshot: (request, caller) => deleted(deleteSnapshot(deps, request, caller)),
      listSnapshotOperations: (request) => listSnapshotOperations(deps, request),
    },
    catalog,
    uploads: {
      maxLengthBytes: uploads.limits.maxLengthBytes,
      createUpload: (request, subjectId) => createUpload(uploads, request, subjectId),
      getUpload: (request, subjectId) => getUpload(uploads, request, subjectId),
      settleUpload: (request, subjectId) => settleUpload(uploads, request, subjectId),
      listUploads: (request, subjectId) => listUploads(uploads, request, subjectId),
      appendToUpload: (request, subjectId) => appendToUpload(uploads, request, subjectId),
      deleteUpload: (request, subjectId) => deleteUpload(uploads, request, subjectId),
    },
    store: {
      folderId: first.folderId,
      startCheck: (request, caller) => startCheck({ ...deps, folderId: first.folderId }, request, caller),
      startScrub: (request, caller) => startScrub({ ...deps, folderId: first.folderId }, request, caller),
      getSpace: () => getSpace(deps),
    },
    attachments: {
      createAttachment: (request, by) => createAttachment(deps, request, by),
      getAttachment: (request) => getAttachment(deps, request),
      listAttachments: (request) => listAttachments(deps, request),
      deleteAttachment: (request) => deleteAttachment(deps, request).finally(onGarbage),
      folderOf: (resource) => folderOf(deps, resource),
      exportUri,
    },
    operations: {
      getOperation: (request) => getOperation(deps, request),
      cancelOperation: (request) => cancelOperation(deps, request),
    },
    folders: {
      getFolder: (request) => getFolder(deps, request),
      listFolders: (request) => listFolders(deps, request),
      getCloud: (request) => getCloud(deps, request),
      listClouds: (request) => listClouds(deps, request),
    },
  };
}

/** Takes every port that the configuration names; returns the first one's address. */
async function listenAll(
  api: Awaited<ReturnType<typeof createApi>>,
  config: Config,
  { tls }: Installation,
): Promise<HostPort> {
  const certificate = { cert: tls.certificate, key: tls.privateKey };
  const { plaintext } = config;
  const address = await api.listen({ address: config.listen, certificate, plaintext, doors: 'both' });
  if (config.grpc !== undefined) await api.listen({ address: config.grpc, certificate, plaintext, doors: 'grpc' });
  if (config.rest !== undefined) await api.listen({ address: config.rest, certificate, plaintext, doors: 'rest' });
  return address;
}

function listenersOf({ listen, grpc, rest, nbd }: Config): HostPort[] {
  return [listen, grpc, rest, nbd].filter((address) => address !== undefined);
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
