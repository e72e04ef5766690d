import type { Logger } from 'pino';
import { authenticate } from './access/authenticate.ts';
import { authorize } from './access/authorize.ts';
import { findAuthorizedKey } from './access/authorized-key-rows.ts';
import { issueToken } from './access/issue-token.ts';
import { listAccessBindings } from './access/list-access-bindings.ts';
import type { LiveTokens } from './access/live-tokens.ts';
import { revokeToken } from './access/revoke-token.ts';
import { RoleCache } from './access/role-cache.ts';
import { SelfSignedTokens } from './access/self-signed-tokens.ts';
import type { Users } from './access/users.ts';
import { createAccessKey } from './accounts/create-access-key.ts';
import { createKey } from './accounts/create-key.ts';
import { createServiceAccount } from './accounts/create-service-account.ts';
import { deleteAccessKey } from './accounts/delete-access-key.ts';
import { deleteKey } from './accounts/delete-key.ts';
import { deleteServiceAccount } from './accounts/delete-service-account.ts';
import { getAccessKey } from './accounts/get-access-key.ts';
import { getKey } from './accounts/get-key.ts';
import { getServiceAccount } from './accounts/get-service-account.ts';
import { issueAccountToken } from './accounts/issue-account-token.ts';
import { KeyPairs } from './accounts/key-pairs.ts';
import { listAccessKeyOperations } from './accounts/list-access-key-operations.ts';
import { listAccessKeys } from './accounts/list-access-keys.ts';
import { listKeyOperations } from './accounts/list-key-operations.ts';
import { listKeys } from './accounts/list-keys.ts';
import { listServiceAccountOperations } from './accounts/list-service-account-operations.ts';
import { listServiceAccounts } from './accounts/list-service-accounts.ts';
import { revokeAllTokens } from './accounts/revoke-all-tokens.ts';
import { updateAccessKey } from './accounts/update-access-key.ts';
import { updateKey } from './accounts/update-key.ts';
import { updateServiceAccount } from './accounts/update-service-account.ts';
import type { ApiDeps } from './api/api.ts';
import { findStorageSource, type StorageSourceFunctions } from './api/s3/storage-source.ts';
import { createAttachment } from './attachments/create-attachment.ts';
import { type DeleteAttachmentDeps, deleteAttachment } from './attachments/delete-attachment.ts';
import { attachedDisks } from './attachments/disk-users.ts';
import { folderOf } from './attachments/folder-of.ts';
import { getAttachment } from './attachments/get-attachment.ts';
import { listAttachments } from './attachments/list-attachments.ts';
import { listNodes } from './attachments/list-nodes.ts';
import { removeNode } from './attachments/remove-node.ts';
import { listAuditRecords } from './audit/list-audit-records.ts';
import { recordMadeChange } from './audit/record-change.ts';
import type { Refusals } from './audit/refusals.ts';
import { bindCompute, type ComputeParts } from './bind-compute.ts';
import { bindStorage } from './bind-storage.ts';
import { createBuckets } from './buckets/buckets.ts';
import { findObject } from './buckets/find-object.ts';
import { isBucketInCloudOf } from './buckets/is-bucket-in-cloud-of.ts';
import type { Catalog } from './disks/catalog.ts';
import { changeDisk } from './disks/change-disk.ts';
import { createDisk } from './disks/create-disk.ts';
import { deleteDisk } from './disks/delete-disk.ts';
import type { DiskContents } from './disks/disk-contents.ts';
import { lockDisk } from './disks/disk-rows.ts';
import { findDiskInZone } from './disks/find-disk-in-zone.ts';
import { getDisk } from './disks/get-disk.ts';
import { listDiskOperations } from './disks/list-disk-operations.ts';
import { listDisks } from './disks/list-disks.ts';
import { moveDisk } from './disks/move-disk.ts';
import { relocateDisk } from './disks/relocate-disk.ts';
import { updateDisk } from './disks/update-disk.ts';
import { lockCloud } from './folders/cloud-rows.ts';
import { lockFolder } from './folders/folder-rows.ts';
import { getCloud } from './folders/get-cloud.ts';
import { getFolder } from './folders/get-folder.ts';
import { listClouds } from './folders/list-clouds.ts';
import { listFolders } from './folders/list-folders.ts';
import { changeImage } from './images/change-image.ts';
import { computeDigest } from './images/compute-digest.ts';
import { createImage } from './images/create-image.ts';
import { deleteImage } from './images/delete-image.ts';
import { findImageInFolder } from './images/find-image-in-folder.ts';
import { getImage } from './images/get-image.ts';
import { getImageSource } from './images/get-image-source.ts';
import { getLatestByFamily } from './images/get-latest-by-family.ts';
import { lockImage } from './images/image-rows.ts';
import { lockImageSource } from './images/image-source.ts';
import { getInitialStates } from './images/initial-state.ts';
import { listImageOperations } from './images/list-image-operations.ts';
import { listImages } from './images/list-images.ts';
import { openImageContent } from './images/open-image-content.ts';
import { updateImage } from './images/update-image.ts';
import type { Installation } from './installation/open-installation.ts';
import { getSpace } from './maintenance/get-space.ts';
import { startCheck, startScrub } from './maintenance/start-store-operation.ts';
import { cancelOperation } from './operations/cancel-operation.ts';
import { deleteOperation } from './operations/delete-operation.ts';
import { findOperationByNumber } from './operations/find-operation-by-number.ts';
import { getOperation } from './operations/get-operation.ts';
import type { OperationKinds } from './operations/kind.ts';
import { listOperationsInFolder } from './operations/list-operations.ts';
import type { Operation } from './operations/operation.ts';
import type { OperationWaits } from './operations/operation-waits.ts';
import type { Runner } from './operations/runner.ts';
import { findStartedOnce } from './operations/start-once.ts';
import { getQuota } from './quotas/get-quota.ts';
import { listQuotas } from './quotas/list-quotas.ts';
import { setQuota } from './quotas/set-quota.ts';
import {
  type ChangeBindingsDeps,
  setAccessBindings,
  updateAccessBindings,
} from './resource-manager/change-access-bindings.ts';
import { createCloud } from './resource-manager/create-cloud.ts';
import { createFolder } from './resource-manager/create-folder.ts';
import { deleteCloud } from './resource-manager/delete-cloud.ts';
import { deleteFolder } from './resource-manager/delete-folder.ts';
import { listCloudOperations } from './resource-manager/list-cloud-operations.ts';
import { listFolderOperations } from './resource-manager/list-folder-operations.ts';
import { updateCloud } from './resource-manager/update-cloud.ts';
import { updateFolder } from './resource-manager/update-folder.ts';
import { changeSnapshot } from './snapshots/change-snapshot.ts';
import { createSnapshot } from './snapshots/create-snapshot.ts';
import { deleteSnapshot } from './snapshots/delete-snapshot.ts';
import { findSnapshotInFolder } from './snapshots/find-snapshot-in-folder.ts';
import { getSnapshot } from './snapshots/get-snapshot.ts';
import { listSnapshotOperations } from './snapshots/list-snapshot-operations.ts';
import { listSnapshots } from './snapshots/list-snapshots.ts';
import { lockSnapshot, lockSnapshotSource } from './snapshots/snapshot-rows.ts';
import { updateSnapshot } from './snapshots/update-snapshot.ts';
import { checkUri } from './sources/source-uri.ts';
import { appendToUpload } from './uploads/append-to-upload.ts';
import { createUpload } from './uploads/create-upload.ts';
import { deleteUpload } from './uploads/delete-upload.ts';
import { getUpload } from './uploads/get-upload.ts';
import { listUploads } from './uploads/list-uploads.ts';
import { settleUpload } from './uploads/settle-upload.ts';
import type { Uploads } from './uploads/uploads.ts';
import type { Store } from './volumes/store.ts';

/** What the functions that the doors call are made of. */
export interface Parts {
  readonly store: Store;
  readonly runner: Pick<Runner, 'wake' | 'abort'>;
  readonly waits: Pick<OperationWaits, 'waitFor'>;
  readonly kinds: OperationKinds;
  readonly uploads: Uploads;
  readonly installation: Installation;
  readonly users: Users;
  readonly refusals: Pick<Refusals, 'add'>;
  readonly liveTokens: LiveTokens;
  /** Whether clients may call this server so: a name, or an address without brackets. */
  readonly isOurHost: (host: string) => boolean;
  /** HOST:PORT where clients are told to find the API; undefined for wherever they came to. */
  readonly publicAddress: string | undefined;
  readonly log: Logger;
  readonly contents: DiskContents;
  readonly catalog: Catalog;
  readonly exports: DeleteAttachmentDeps['exports'];
  readonly pool: ApiDeps['pool'];
  /** Of this process. */
  readonly nodeId: string;
  readonly compute: Omit<ComputeParts, 'access' | 'buckets'>;
  /** There may be something to collect. */
  readonly onGarbage: () => void;
  readonly metrics: NonNullable<ApiDeps['metrics']>;
}

/** Operations on the bindings of a folder are in it; those of a cloud are in no folder. */
const holdThing: ChangeBindingsDeps['holdThing'] = {
  Image: lockImage,
  Disk: lockDisk,
  Snapshot: lockSnapshot,
  Folder: async (tx, id) => ((await lockFolder(tx, id)) === undefined ? undefined : { folderId: id }),
  Cloud: async (tx, id) => ((await lockCloud(tx, id)) === undefined ? undefined : { folderId: '' }),
};

/** The functions that the doors call, each with what it needs. */
export function bindApi(parts: Parts): ApiDeps {
  const { store, runner, kinds, uploads, installation, log, onGarbage, contents, catalog, exports, nodeId } = parts;
  const { db } = store;
  const { tokenKey, first } = installation;
  const { users, liveTokens, isOurHost, publicAddress } = parts;
  const administrator = { administratorId: first.administratorId, adminKeyId: installation.adminKeyId };
  const findKey = (id: string) => findAuthorizedKey(db.read, id);
  const now = () => new Date(store.now());
  const selfSigned = new SelfSignedTokens({ findKey, isOurHost, now });
  const keyPairs = new KeyPairs();
  const identity = { db, tokenKey, users, liveTokens, selfSigned, isOurHost, administrator, keyPairs, now };
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
    nodeId,
    users: attachedDisks,
  };
  const access = { db, administratorId: first.administratorId, roles: new RoleCache() };
  const bound = { ...access, holdThing };
  const buckets = createBuckets(uploads);
  const storage = bindStorage({ access, buckets, tokenKey, isOurHost });
  const storageSources: StorageSourceFunctions = {
    findObject: (name) => findObject(buckets, name),
    isBucketInCloudOf: (name, folderId) => isBucketInCloudOf(buckets, name, folderId),
    findAccessKey: storage.findAccessKey,
    authorize: (subject, permission, scope) => authorize(access, subject, permission, scope),
  };
  /** A Delete's operation, and its content may be garbage. */
  const deleted = async (operation: Promise<Operation>): Promise<Operation> => {
    await operation;
    onGarbage();
    return operation;
  };
  return {
    log,
    authenticate: (authorization) => authenticate(identity, authorization),
    authorize: (subject, permission, scope) => authorize(access, subject, permission, scope),
    findStarted: (caller) => findStartedOnce(deps, caller),
    metrics: parts.metrics,
    audit: {
      recordMadeChange: (call) => recordMadeChange(deps, call),
      recordRefusal: (record) => parts.refusals.add(record),
      listAuditRecords: (request) => listAuditRecords(deps, request),
    },
    folderOf: (resource) => folderOf(deps, resource),
    publicAddress,
    users,
    tokens: {
      issueToken: (proof) => issueToken(identity, proof),
      issueAccountToken: (request, caller) => issueAccountToken(identity, request, caller),
      revokeToken: (request) => revokeToken(identity, request),
      revokeAllTokens: (subject, caller) => revokeAllTokens(identity, subject, caller),
      getServiceAccount: (request) => getServiceAccount(identity, request),
    },
    accounts: {
      createServiceAccount: (request, caller) => createServiceAccount(identity, request, caller),
      getServiceAccount: (request) => getServiceAccount(identity, request),
      listServiceAccounts: (request) => listServiceAccounts(identity, request),
      updateServiceAccount: (request, caller) => updateServiceAccount(identity, request, caller),
      deleteServiceAccount: (request, caller) => deleteServiceAccount(identity, request, caller),
      listServiceAccountOperations: (request) => listServiceAccountOperations(identity, request),
      createKey: (request, caller) => createKey(identity, request, caller),
      getKey: (request) => getKey(identity, request),
      listKeys: (request) => listKeys(identity, request),
      updateKey: (request, caller) => updateKey(identity, request, caller),
      deleteKey: (request, caller) => deleteKey(identity, request, caller),
      listKeyOperations: (request) => listKeyOperations(identity, request),
      createAccessKey: (request, caller) => createAccessKey(identity, request, caller),
      getAccessKey: (request) => getAccessKey(identity, request),
      listAccessKeys: (request) => listAccessKeys(identity, request),
      updateAccessKey: (request, caller) => updateAccessKey(identity, request, caller),
      deleteAccessKey: (request, caller) => deleteAccessKey(identity, request, caller),
      listAccessKeyOperations: (request) => listAccessKeyOperations(identity, request),
    },
    images: {
      createImage: (request, caller) => createImage(deps, request, caller),
      findStorageSource: (uri, call) => findStorageSource(storageSources, uri, call),
      getImage: (request) => getImage(deps, request),
      getImageSource: (request) => getImageSource(deps, request),
      getLatestByFamily: (request) => getLatestByFamily(deps, request),
      listImages: (request) => listImages(deps, request),
      updateImage: (request, caller) => updateImage(deps, request, caller),
      deleteImage: (request, caller) => deleted(deleteImage(deps, request, caller)),
      listImageOperations: (request) => listImageOperations(deps, request),
      computeDigest: (request, caller) => computeDigest(deps, request, caller),
      openImageContent: (request) => openImageContent(deps, request),
      findImageInFolder: (request) => findImageInFolder(deps, request),
      getInitialStates: (request) => getInitialStates(deps, request),
      changeImage: (request, caller) => changeImage(deps, request, caller),
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
      findDiskInZone: (request) => findDiskInZone(deps, request),
      changeDisk: (request, caller) => changeDisk(deps, request, caller),
    },
    snapshots: {
      createSnapshot: (request, caller) => createSnapshot(deps, request, caller),
      getSnapshot: (request) => getSnapshot(deps, request),
      listSnapshots: (request) => listSnapshots(deps, request),
      updateSnapshot: (request, caller) => updateSnapshot(deps, request, caller),
      deleteSnapshot: (request, caller) => deleted(deleteSnapshot(deps, request, caller)),
      listSnapshotOperations: (request) => listSnapshotOperations(deps, request),
      findSnapshotInFolder: (request) => findSnapshotInFolder(deps, request),
      changeSnapshot: (request, caller) => changeSnapshot(deps, request, caller),
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
    storage,
    pool: parts.pool,
    nodes: {
      listNodes: () => listNodes(deps),
      removeNode: (request) => removeNode(deps, request),
    },
    quotas: {
      getQuota: (request) => getQuota(deps, request),
      listQuotas: (request) => listQuotas(deps, request),
      setQuota: (request) => setQuota(deps, request),
    },
    store: {
      startCheck: (request, caller) => startCheck({ ...deps, folderId: first.folderId }, request, caller),
      startScrub: (request, caller) => startScrub({ ...deps, folderId: first.folderId }, request, caller),
      getSpace: () => getSpace(deps),
    },
    attachments: {
      createAttachment: (request, by) => createAttachment(deps, request, by),
      getAttachment: (request) => getAttachment(deps, request),
      listAttachments: (request) => listAttachments(deps, request),
      deleteAttachment: (request) => deleteAttachment(deps, request).finally(onGarbage),
    },
    operations: {
      getOperation: (request) => getOperation(deps, request),
      cancelOperation: (request) => cancelOperation(deps, request),
      findOperationByNumber: (request) => findOperationByNumber(deps, request),
      listOperationsInFolder: (request) => listOperationsInFolder(deps, request),
      waitForOperation: (request, options) => parts.waits.waitFor(request, options),
      deleteOperation: (request) => deleteOperation(deps, request),
    },
    folders: {
      getFolder: (request) => getFolder(deps, request),
      listFolders: (request, subject) => listFolders(access, request, subject),
      createFolder: (request, caller) => createFolder(deps, request, caller),
      updateFolder: (request, caller) => updateFolder(deps, request, caller),
      deleteFolder: (request, caller) => deleteFolder(access, request, caller),
      listFolderOperations: (request) => listFolderOperations(deps, request),
      getCloud: (request) => getCloud(deps, request),
      listClouds: (request, subject) =>
        listClouds(deps, request, subject.id === access.administratorId ? undefined : subject),
      createCloud: (request, caller, owner) => createCloud(deps, request, caller, owner),
      updateCloud: (request, caller) => updateCloud(deps, request, caller),
      deleteCloud: (request, caller) => deleteCloud(access, request, caller),
      listCloudOperations: (request) => listCloudOperations(deps, request),
    },
    compute: bindCompute({ ...parts.compute, access, buckets }),
    bindings: {
      listAccessBindings: (request) => listAccessBindings(deps, request),
      setAccessBindings: (thing, bindings, caller, check) => setAccessBindings(bound, thing, bindings, caller, check),
      updateAccessBindings: (thing, deltas, caller) => updateAccessBindings(bound, thing, deltas, caller),
    },
  };
}
