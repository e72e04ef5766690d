import type { Database } from '../db/database.ts';
import { listOperations } from '../operations/list-operations.ts';
import type { Operation } from '../operations/operation.ts';
import { getImage } from './get-image.ts';

export interface ListImageOperations {
  readonly imageId: string;
  /** 0 leaves it to us. */
  readonly pageSize: number;
  /** '' for the first page. */
  readonly pageToken: string;
}

/** The operations on an image, newest first. Throws NOT_FOUND, also for an image that is deleted. */
export async function listImageOperations(
  deps: { readonly db: Database },
  { imageId, ...page }: ListImageOperations,
): Promise<{ operations: readonly Operation[]; nextPageToken: string }> {
  await getImage(deps, { imageId });
  return listOperations(deps, { resourceId: imageId, ...page });
}
