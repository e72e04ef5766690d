import type { AccessDeps } from './access/authorize.ts';
import type { ComputeFunctions } from './api/google/compute-services.ts';
import { objectUri } from './api/google/images/raw-disk-source.ts';
import { findWriter } from './attachments/attachment-rows.ts';
import type { Buckets } from './buckets/buckets.ts';
import { findObject } from './buckets/find-object.ts';
import { findFoldersCalled } from './folders/find-folders-called.ts';

export interface ComputeParts {
  readonly access: AccessDeps;
  readonly buckets: Buckets;
  /** What URLs in replies begin with. */
  readonly linkBase: string;
  /** Where objects are whose buckets are not kept here. */
  readonly objectStore: string;
}

/** What the Compute API calls besides the functions of the other one. */
export function bindCompute({ access, buckets, linkBase, objectStore }: ComputeParts): ComputeFunctions {
  return {
    findFoldersCalled: (idOrName, subject) => findFoldersCalled(access, idOrName, subject),
    findWriter: async (diskId) => (await findWriter(access.db.read, diskId))?.id,
    findObject: (name) => findObject(buckets, name),
    objectUri: (object) => objectUri({ objectStore }, object),
    linkBase,
  };
}
