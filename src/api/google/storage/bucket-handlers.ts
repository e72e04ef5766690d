import { authorizedBucket } from '../../authorized-bucket.ts';
import { resourceNotFound, told } from '../compute-errors.ts';
import { findProject, type ProjectFunctions } from '../naming/projects.ts';
import { textOf } from './object-request.ts';
import { readJson } from './read-json.ts';
import type { StorageCall, StorageDeps, StorageHandler } from './storage-call.ts';
import { bucketJson } from './storage-json.ts';
import { invalidArgument, pageOf } from './storage-query.ts';

const defaultLocation = 'US';
/**
 * Not STANDARD, which it is not: gcloud puts files of more than 150 MB together out of parts in buckets of that class
 * alone, which would have all their bytes written twice.
 */
const defaultStorageClass = 'DURABLE_REDUCED_AVAILABILITY';

export function insertBucket({ storage }: StorageDeps): StorageHandler {
  return async (call) => {
    const { body, signal } = call;
    const folderId = await openFolder(storage, call);
    const json = await readJson(body, signal);
    const name = textOf(json, 'name') ?? '';
    if (name === '') throw invalidArgument('Required parameter: name');
    const location = (textOf(json, 'location') ?? defaultLocation).toUpperCase().slice(0, 64);
    const storageClass = (textOf(json, 'storageClass') ?? defaultStorageClass).toUpperCase().slice(0, 64);
    const bucket = await storage.createBucket({ name, folderId, location, storageClass });
    return { status: 200, json: bucketJson(bucket), made: name };
  };
}

export function listBuckets({ storage }: StorageDeps): StorageHandler {
  return async (call) => {
    const folderId = await openFolder(storage, call);
    const { items, nextPageToken } = await storage.listBuckets({ folderId, ...pageOf(call.query) });
    const list = {
      kind: 'storage#buckets',
      ...(items.length === 0 ? {} : { items: items.map(bucketJson) }),
      ...(nextPageToken === '' ? {} : { nextPageToken }),
    };
    return { status: 200, json: list };
  };
}

export function getBucket(deps: StorageDeps, name: string): StorageHandler {
  return async (call) => ({ status: 200, json: bucketJson(await authorizedBucket(deps, call, name)) });
}

/** What clients ask before they move or delete many objects: whether there are real folders. There are none. */
export function getStorageLayout(deps: StorageDeps, name: string): StorageHandler {
  return async (call) => {
    const { location } = await authorizedBucket(deps, call, name);
    const json = { kind: 'storage#storageLayout', bucket: name, location, locationType: 'multi-region' };
    return { status: 200, json };
  };
}

/** Asked for by who deletes all that is in a bucket. There are none. */
export function listManagedFolders(deps: StorageDeps, name: string): StorageHandler {
  return async (call) => {
    await authorizedBucket(deps, call, name);
    return { status: 200, json: { kind: 'storage#managedFolders' } };
  };
}

export function deleteBucket(deps: StorageDeps, name: string): StorageHandler {
  return async (call) => {
    await authorizedBucket(deps, call, name);
    await deps.storage.deleteBucket({ name });
    return { status: 204 };
  };
}

/** The folder of the project that a request names, once the caller may do there what the method does. */
async function openFolder(functions: ProjectFunctions, { query, subject, authorize }: StorageCall): Promise<string> {
  const project = query.get('project') ?? '';
  if (project === '') throw invalidArgument('Required parameter: project');
  const { folderId, exists } = await findProject(functions, project, { subject });
  const about = { path: `projects/${project}`, permission: 'compute.images.create' };
  await told(about, () => authorize({ folderId }));
  if (!exists) throw resourceNotFound(about.path);
  return folderId;
}
