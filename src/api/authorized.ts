import type { Permission } from '../access/permissions.ts';
import { seenWith, type ThingNoun } from '../access/scope.ts';
import { notFound, ServiceError, sourceNotFound } from '../errors.ts';
import type { Authorize } from './authorization.ts';

type InFolder = { readonly folderId: string };

/**
 * The thing that a call is about, once the caller may do with it what the method does (or has the permission given). One
 * that is not there is asked about like one that is: who may not see it gets the same answer, after the same work.
 */
export async function authorized<R extends InFolder>(
  authorize: Authorize,
  noun: ThingNoun,
  id: string,
  get: () => Promise<R>,
  permission?: Permission,
): Promise<R> {
  const found = await unlessMissing(get);
  await authorize({ noun, id, folderId: found?.folderId, seenWith: seenWith[noun] }, permission);
  if (found === undefined) throw notFound(noun, id);
  return found;
}

/** An image, a disk or a snapshot by what it is called in requests. */
export interface ContentReference {
  readonly kind: 'image' | 'disk' | 'snapshot';
  readonly id: string;
}

/** Where it is. Throws NOT_FOUND. */
export type FolderOf = (resource: ContentReference) => Promise<InFolder>;

/** Throws FAILED_PRECONDITION, as for one that is not there, unless the caller may make something of it. */
export async function authorizeSource(
  authorize: Authorize,
  folderOf: FolderOf,
  source: ContentReference,
): Promise<void> {
  const { noun, use } = sourceNames[source.kind];
  try {
    await authorized(authorize, noun, source.id, () => folderOf(source), use);
  } catch (error) {
    throw isMissing(error) ? sourceNotFound(noun, source.id) : error;
  }
}

const sourceNames = {
  image: { noun: 'Image', use: 'compute.images.use' },
  disk: { noun: 'Disk', use: 'compute.disks.use' },
  snapshot: { noun: 'Snapshot', use: 'compute.snapshots.use' },
} as const;

/** Undefined where `get` throws NOT_FOUND. */
export async function unlessMissing<R>(get: () => Promise<R>): Promise<R | undefined> {
  return get().catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
}

function isMissing(error: unknown): boolean {
  return error instanceof ServiceError && error.code === 'NOT_FOUND';
}
