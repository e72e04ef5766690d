import type { Permission } from './permissions.ts';

/**
 * What it takes to call a method: nothing, a token, or a permission where the request says. Of several permissions the
 * first is the method's own; it may ask for the others besides, or in its place, as the request demands.
 */
export type MethodRule = 'public' | 'authenticated' | readonly [Permission, ...Permission[]];

/** Whatever a Create is made from must be usable, wherever it is. */
const useOfSources = ['compute.images.use', 'compute.disks.use', 'compute.snapshots.use'] as const;

/** What may be asked for on one: each is tried by who asks what he may. */
const allImages = [
  'compute.images.get',
  'compute.images.use',
  'compute.images.update',
  'compute.images.delete',
  'compute.images.listAccessBindings',
  'compute.images.updateAccessBindings',
] as const;
const allDisks = [
  'compute.disks.get',
  'compute.disks.use',
  'compute.disks.update',
  'compute.disks.delete',
  'compute.disks.listAccessBindings',
  'compute.disks.updateAccessBindings',
] as const;
const allSnapshots = [
  'compute.snapshots.get',
  'compute.snapshots.use',
  'compute.snapshots.update',
  'compute.snapshots.delete',
  'compute.snapshots.listAccessBindings',
  'compute.snapshots.updateAccessBindings',
] as const;

/** Of operations: whoever may see what one is on. */
const seeingWhatItIsOn = [
  'compute.images.get',
  'compute.disks.get',
  'compute.snapshots.get',
  'resource-manager.folders.get',
  'resource-manager.clouds.get',
  'iam.serviceAccounts.get',
  'iam.keys.get',
  'obraz.store.manage',
] as const;

/** Whoever may change it. */
const changingWhatItIsOn = [
  'compute.images.update',
  'compute.disks.update',
  'compute.snapshots.update',
  'resource-manager.folders.update',
  'resource-manager.clouds.update',
  'iam.serviceAccounts.update',
  'iam.keys.update',
  'obraz.store.manage',
] as const;

/**
 * Every method of the API, by the name it has in the log: an rpc, or the verb and route of what is none. The service does not
 * start with a method that has no row here; roles.ts says who has a permission.
 */
const rules = {
  'yandex.cloud.compute.v1.ImageService/Get': ['compute.images.get'],
  'yandex.cloud.compute.v1.ImageService/GetLatestByFamily': ['compute.images.get'],
  'yandex.cloud.compute.v1.ImageService/List': ['compute.images.list'],
  'yandex.cloud.compute.v1.ImageService/Create': ['compute.images.create', ...useOfSources],
  'yandex.cloud.compute.v1.ImageService/Update': ['compute.images.update'],
  'yandex.cloud.compute.v1.ImageService/Delete': ['compute.images.delete'],
  'yandex.cloud.compute.v1.ImageService/ListOperations': ['compute.images.get'],
  'yandex.cloud.compute.v1.ImageService/ListAccessBindings': ['compute.images.listAccessBindings'],
  'yandex.cloud.compute.v1.ImageService/SetAccessBindings': ['compute.images.updateAccessBindings'],
  'yandex.cloud.compute.v1.ImageService/UpdateAccessBindings': ['compute.images.updateAccessBindings'],

  'yandex.cloud.compute.v1.DiskService/Get': ['compute.disks.get'],
  'yandex.cloud.compute.v1.DiskService/List': ['compute.disks.list'],
  'yandex.cloud.compute.v1.DiskService/Create': ['compute.disks.create', ...useOfSources],
  'yandex.cloud.compute.v1.DiskService/Update': ['compute.disks.update'],
  'yandex.cloud.compute.v1.DiskService/Delete': ['compute.disks.delete'],
  'yandex.cloud.compute.v1.DiskService/Move': ['compute.disks.move', 'compute.disks.create'],
  'yandex.cloud.compute.v1.DiskService/Relocate': ['compute.disks.relocate'],
  'yandex.cloud.compute.v1.DiskService/ListOperations': ['compute.disks.get'],
  'yandex.cloud.compute.v1.DiskService/ListAccessBindings': ['compute.disks.listAccessBindings'],
  'yandex.cloud.compute.v1.DiskService/SetAccessBindings': ['compute.disks.updateAccessBindings'],
  'yandex.cloud.compute.v1.DiskService/UpdateAccessBindings': ['compute.disks.updateAccessBindings'],

  'yandex.cloud.compute.v1.SnapshotService/Get': ['compute.snapshots.get'],
  'yandex.cloud.compute.v1.SnapshotService/List': ['compute.snapshots.list'],
  'yandex.cloud.compute.v1.SnapshotService/Create': ['compute.snapshots.create', ...useOfSources],
  'yandex.cloud.compute.v1.SnapshotService/Update': ['compute.snapshots.update'],
  'yandex.cloud.compute.v1.SnapshotService/Delete': ['compute.snapshots.delete'],
  'yandex.cloud.compute.v1.SnapshotService/ListOperations': ['compute.snapshots.get'],
  'yandex.cloud.compute.v1.SnapshotService/ListAccessBindings': ['compute.snapshots.listAccessBindings'],
  'yandex.cloud.compute.v1.SnapshotService/SetAccessBindings': ['compute.snapshots.updateAccessBindings'],
  'yandex.cloud.compute.v1.SnapshotService/UpdateAccessBindings': ['compute.snapshots.updateAccessBindings'],

  // The same for everybody who is known here.
  'yandex.cloud.compute.v1.DiskTypeService/Get': 'authenticated',
  'yandex.cloud.compute.v1.DiskTypeService/List': 'authenticated',
  'yandex.cloud.compute.v1.ZoneService/Get': 'authenticated',
  'yandex.cloud.compute.v1.ZoneService/List': 'authenticated',

  'yandex.cloud.operation.OperationService/Get': seeingWhatItIsOn,
  'yandex.cloud.operation.OperationService/Cancel': changingWhatItIsOn,

  // Everybody lists what he may see.
  'yandex.cloud.resourcemanager.v1.CloudService/Get': ['resource-manager.clouds.get'],
  'yandex.cloud.resourcemanager.v1.CloudService/List': 'authenticated',
  'yandex.cloud.resourcemanager.v1.CloudService/Create': ['resource-manager.clouds.create'],
  'yandex.cloud.resourcemanager.v1.CloudService/Update': [
    'resource-manager.clouds.update',
    'resource-manager.clouds.create',
  ],
  'yandex.cloud.resourcemanager.v1.CloudService/Delete': ['resource-manager.clouds.delete'],
  'yandex.cloud.resourcemanager.v1.CloudService/ListOperations': ['resource-manager.clouds.get'],
  'yandex.cloud.resourcemanager.v1.CloudService/ListAccessBindings': ['resource-manager.clouds.listAccessBindings'],
  'yandex.cloud.resourcemanager.v1.CloudService/SetAccessBindings': ['resource-manager.clouds.updateAccessBindings'],
  'yandex.cloud.resourcemanager.v1.CloudService/UpdateAccessBindings': ['resource-manager.clouds.updateAccessBindings'],
  'yandex.cloud.resourcemanager.v1.FolderService/Get': ['resource-manager.folders.get'],
  'yandex.cloud.resourcemanager.v1.FolderService/List': 'authenticated',
  'yandex.cloud.resourcemanager.v1.FolderService/Create': ['resource-manager.folders.create'],
  'yandex.cloud.resourcemanager.v1.FolderService/Update': ['resource-manager.folders.update'],
  'yandex.cloud.resourcemanager.v1.FolderService/Delete': ['resource-manager.folders.delete'],
  'yandex.cloud.resourcemanager.v1.FolderService/ListOperations': ['resource-manager.folders.get'],
  'yandex.cloud.resourcemanager.v1.FolderService/ListAccessBindings': ['resource-manager.folders.listAccessBindings'],
  'yandex.cloud.resourcemanager.v1.FolderService/SetAccessBindings': ['resource-manager.folders.updateAccessBindings'],
  'yandex.cloud.resourcemanager.v1.FolderService/UpdateAccessBindings': [
    'resource-manager.folders.updateAccessBindings',
  ],

  'yandex.cloud.iam.v1.ServiceAccountService/Get': ['iam.serviceAccounts.get'],
  'yandex.cloud.iam.v1.ServiceAccountService/List': ['iam.serviceAccounts.list'],
  'yandex.cloud.iam.v1.ServiceAccountService/Create': ['iam.serviceAccounts.create'],
  'yandex.cloud.iam.v1.ServiceAccountService/Update': ['iam.serviceAccounts.update'],
  'yandex.cloud.iam.v1.ServiceAccountService/Delete': ['iam.serviceAccounts.delete'],
  'yandex.cloud.iam.v1.ServiceAccountService/ListOperations': ['iam.serviceAccounts.get'],
  'yandex.cloud.iam.v1.KeyService/Get': ['iam.keys.get'],
  'yandex.cloud.iam.v1.KeyService/List': ['iam.keys.list'],
  'yandex.cloud.iam.v1.KeyService/Create': ['iam.keys.create'],
  'yandex.cloud.iam.v1.KeyService/Update': ['iam.keys.update'],
  'yandex.cloud.iam.v1.KeyService/Delete': ['iam.keys.delete'],
  'yandex.cloud.iam.v1.KeyService/ListOperations': ['iam.keys.get'],
  'yandex.cloud.iam.v1.awscompatibility.AccessKeyService/Get': ['iam.accessKeys.get'],
  'yandex.cloud.iam.v1.awscompatibility.AccessKeyService/List': ['iam.accessKeys.list'],
  'yandex.cloud.iam.v1.awscompatibility.AccessKeyService/Create': ['iam.accessKeys.create'],
  'yandex.cloud.iam.v1.awscompatibility.AccessKeyService/Update': ['iam.accessKeys.update'],
  'yandex.cloud.iam.v1.awscompatibility.AccessKeyService/Delete': ['iam.accessKeys.delete'],
  'yandex.cloud.iam.v1.awscompatibility.AccessKeyService/ListOperations': ['iam.accessKeys.get'],
  'yandex.cloud.iam.v1.IamTokenService/CreateForServiceAccount': ['iam.serviceAccounts.createToken'],
  // To have a token is right enough to end it.
  'yandex.cloud.iam.v1.IamTokenService/Revoke': 'authenticated',
  // Roles are given to users by their ids, which nobody knows by heart.
  'yandex.cloud.iam.v1.UserAccountService/Get': 'authenticated',
  'yandex.cloud.iam.v1.YandexPassportUserAccountService/GetByLogin': 'authenticated',

  // What clients call before they have a token.
  'yandex.cloud.endpoint.ApiEndpointService/Get': 'public',
  'yandex.cloud.endpoint.ApiEndpointService/List': 'public',
  'yandex.cloud.iam.v1.IamTokenService/Create': 'public',
  'POST /token': 'public',

  // The same, by the Compute Engine API.
  'google.cloud.compute.v1.Images/Get': ['compute.images.get'],
  'google.cloud.compute.v1.Images/GetFromFamily': ['compute.images.get'],
  'google.cloud.compute.v1.Images/List': ['compute.images.list'],
  'google.cloud.compute.v1.Images/Insert': ['compute.images.create', ...useOfSources],
  'google.cloud.compute.v1.Images/Patch': ['compute.images.update'],
  'google.cloud.compute.v1.Images/Deprecate': ['compute.images.update'],
  'google.cloud.compute.v1.Images/Delete': ['compute.images.delete'],
  'google.cloud.compute.v1.Images/SetLabels': ['compute.images.update'],
  'google.cloud.compute.v1.Images/GetIamPolicy': ['compute.images.listAccessBindings'],
  'google.cloud.compute.v1.Images/SetIamPolicy': ['compute.images.updateAccessBindings'],
  'google.cloud.compute.v1.Images/TestIamPermissions': allImages,
  'google.cloud.compute.v1.ImageFamilyViews/Get': ['compute.images.get'],
  'google.cloud.compute.v1.Disks/Get': ['compute.disks.get'],
  'google.cloud.compute.v1.Disks/List': ['compute.disks.list'],
  'google.cloud.compute.v1.Disks/AggregatedList': ['compute.disks.list'],
  'google.cloud.compute.v1.Disks/Insert': ['compute.disks.create', ...useOfSources],
  'google.cloud.compute.v1.Disks/CreateSnapshot': ['compute.snapshots.create', ...useOfSources],
  'google.cloud.compute.v1.Disks/Resize': ['compute.disks.update'],
  'google.cloud.compute.v1.Disks/Update': ['compute.disks.update'],
  'google.cloud.compute.v1.Disks/Delete': ['compute.disks.delete'],
  'google.cloud.compute.v1.Disks/SetLabels': ['compute.disks.update'],
  'google.cloud.compute.v1.Disks/GetIamPolicy': ['compute.disks.listAccessBindings'],
  'google.cloud.compute.v1.Disks/SetIamPolicy': ['compute.disks.updateAccessBindings'],
  'google.cloud.compute.v1.Disks/TestIamPermissions': allDisks,
  'google.cloud.compute.v1.Snapshots/Get': ['compute.snapshots.get'],
  'google.cloud.compute.v1.Snapshots/List': ['compute.snapshots.list'],
  'google.cloud.compute.v1.Snapshots/Insert': ['compute.snapshots.create', ...useOfSources],
  'google.cloud.compute.v1.Snapshots/Delete': ['compute.snapshots.delete'],
  'google.cloud.compute.v1.Snapshots/SetLabels': ['compute.snapshots.update'],
  'google.cloud.compute.v1.Snapshots/GetIamPolicy': ['compute.snapshots.listAccessBindings'],
  'google.cloud.compute.v1.Snapshots/SetIamPolicy': ['compute.snapshots.updateAccessBindings'],
  'google.cloud.compute.v1.Snapshots/TestIamPermissions': allSnapshots,
  'google.cloud.compute.v1.Zones/Get': 'authenticated',
  'google.cloud.compute.v1.Zones/List': 'authenticated',
  'google.cloud.compute.v1.DiskTypes/Get': 'authenticated',
  'google.cloud.compute.v1.DiskTypes/List': 'authenticated',
  'google.cloud.compute.v1.DiskTypes/AggregatedList': 'authenticated',
  'google.cloud.compute.v1.Projects/Get': ['resource-manager.folders.get'],
  'google.cloud.compute.v1.GlobalOperations/Get': seeingWhatItIsOn,
  'google.cloud.compute.v1.GlobalOperations/Wait': seeingWhatItIsOn,
  'google.cloud.compute.v1.GlobalOperations/Delete': changingWhatItIsOn,
  // Those on what the caller may not list are left out.
  'google.cloud.compute.v1.GlobalOperations/List': ['compute.images.list', 'compute.snapshots.list'],
  'google.cloud.compute.v1.ZoneOperations/Get': seeingWhatItIsOn,
  'google.cloud.compute.v1.ZoneOperations/Wait': seeingWhatItIsOn,
  'google.cloud.compute.v1.ZoneOperations/Delete': changingWhatItIsOn,
  'google.cloud.compute.v1.ZoneOperations/List': ['compute.disks.list', 'compute.snapshots.list'],
  'google.cloud.compute.v1.GlobalOperations/AggregatedList': [
    'compute.images.list',
    'compute.snapshots.list',
    'compute.disks.list',
  ],

  'obraz.v1.AttachmentService/Create': [
    'compute.disks.update',
    'compute.disks.get',
    'compute.images.get',
    'compute.snapshots.get',
  ],
  'obraz.v1.AttachmentService/List': ['compute.disks.list'],
  'obraz.v1.AttachmentService/Delete': ['compute.disks.update'],
  'obraz.v1.ImageDigestService/Compute': ['compute.images.get'],

  // A caller's own, in a folder where he may make images of them.
  'obraz.v1.UploadService/Get': ['compute.images.create'],
  'obraz.v1.UploadService/List': ['compute.images.create'],
  'obraz.v1.UploadService/Delete': ['compute.images.create'],
  'POST /obraz/v1/uploads': ['compute.images.create'],
  'HEAD /obraz/v1/uploads/{upload_id}': ['compute.images.create'],
  'PATCH /obraz/v1/uploads/{upload_id}': ['compute.images.create'],
  'DELETE /obraz/v1/uploads/{upload_id}': ['compute.images.create'],

  // Objects are uploads with names, for everybody who may make images of them.
  'GET /storage/v1/b': ['compute.images.create'],
  'POST /storage/v1/b': ['compute.images.create'],
  'GET /storage/v1/b/{bucket}': ['compute.images.create'],
  'DELETE /storage/v1/b/{bucket}': ['compute.images.create'],
  'GET /storage/v1/b/{bucket}/storageLayout': ['compute.images.create'],
  'GET /storage/v1/b/{bucket}/managedFolders': ['compute.images.create'],
  'GET /storage/v1/b/{bucket}/o': ['compute.images.create'],
  'GET /storage/v1/b/{bucket}/o/{object}': ['compute.images.create'],
  'DELETE /storage/v1/b/{bucket}/o/{object}': ['compute.images.create'],
  'POST /upload/storage/v1/b/{bucket}/o': ['compute.images.create'],
  'PUT /upload/storage/v1/b/{bucket}/o': ['compute.images.create'],
  'DELETE /upload/storage/v1/b/{bucket}/o': ['compute.images.create'],

  // The same, by S3: api/s3/operations.ts.
  'GET /s3': ['compute.images.create'],
  'PUT /s3/{bucket}': ['compute.images.create'],
  'HEAD /s3/{bucket}': ['compute.images.create'],
  'DELETE /s3/{bucket}': ['compute.images.create'],
  'GET /s3/{bucket}': ['compute.images.create'],
  'GET /s3/{bucket}?location': ['compute.images.create'],
  'POST /s3/{bucket}?delete': ['compute.images.create'],
  'PUT /s3/{bucket}/{object}': ['compute.images.create'],
  'GET /s3/{bucket}/{object}': ['compute.images.create'],
  'DELETE /s3/{bucket}/{object}': ['compute.images.create'],
  'POST /s3/{bucket}/{object}?uploads': ['compute.images.create'],
  'PUT /s3/{bucket}/{object}?partNumber&uploadId': ['compute.images.create'],
  'POST /s3/{bucket}/{object}?uploadId': ['compute.images.create'],
  'DELETE /s3/{bucket}/{object}?uploadId': ['compute.images.create'],

  'GET /obraz/v1/images/{image_id}/content': ['compute.images.get'],
  'GET /obraz/v1/images/{image_id}/extents': ['compute.images.get'],

  // All clouds' bytes together: for who runs the service.
  'obraz.v1.StoreService/Check': ['obraz.store.manage'],
  'obraz.v1.StoreService/Scrub': ['obraz.store.manage'],
  'obraz.v1.StoreService/GetSpace': ['obraz.store.manage'],
  'obraz.v1.PoolService/List': ['obraz.store.manage'],
  'obraz.v1.NodeService/List': ['obraz.store.manage'],
  'obraz.v1.NodeService/Remove': ['obraz.store.manage'],
  'GET /metrics': ['obraz.store.manage'],

  'obraz.v1.QuotaService/Get': ['resource-manager.clouds.get'],
  'obraz.v1.QuotaService/List': ['resource-manager.clouds.get'],
  'obraz.v1.QuotaService/Set': ['obraz.quotas.manage'],
  'obraz.v1.TokenService/RevokeAll': ['iam.serviceAccounts.delete'],

  'obraz.v1.AuditService/List': ['obraz.audit.list'],
} as const satisfies Readonly<Record<string, MethodRule>>;

/** Every name that has a row. */
export const methodNames: readonly string[] = Object.keys(rules);

const rulesByName: ReadonlyMap<string, MethodRule> = new Map(Object.entries(rules));

/** Throws for a method without a row: a mistake of ours, found at the start. */
export function ruleOf(method: string): MethodRule {
  const rule = rulesByName.get(method);
  if (rule === undefined) throw new Error(`${method} has no row in access/method-rules.ts`);
  return rule;
}
