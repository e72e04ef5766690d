import { insertAccessBinding } from '../access/access-binding-rows.ts';
import type { Caller } from '../access/caller.ts';
import type { Subject } from '../access/subject.ts';
import type { Database } from '../db/database.ts';
import { findCloudByName, insertCloud } from '../folders/cloud-rows.ts';
import type { Cloud } from '../folders/folder.ts';
import { newId } from '../lib/ids.ts';
import { insertFinishedOperation } from '../operations/insert-operation.ts';
import type { Operation } from '../operations/operation.ts';
import { startOnce } from '../operations/start-once.ts';
import { claimName } from '../resources/claim-name.ts';
import { cloudToJson } from './folder-json.ts';
import { createCloudKind } from './operation-names.ts';

export type CreateCloud = Pick<Cloud, 'name' | 'description' | 'labels' | 'organizationId'>;

/** Makes a cloud, whose owner the caller is. Throws ALREADY_EXISTS when there is a cloud of this name. */
export async function createCloud(
  deps: { readonly db: Database },
  request: CreateCloud,
  caller: Caller,
  owner: Subject,
): Promise<Operation> {
  return startOnce(deps, caller, async (tx) => {
    const cloud: Cloud = { ...request, id: newId('b1g'), createdAt: new Date() };
    await claimName({
      ...cloud,
      noun: 'Cloud',
      findHolder: () => findCloudByName(tx, cloud),
      write: () => insertCloud(tx, cloud),
    });
    const subject = { type: owner.kind, id: owner.id };
    await insertAccessBinding(tx, cloud.id, { roleId: 'resource-manager.clouds.owner', subject });
    return insertFinishedOperation(tx, {
      kind: createCloudKind,
      folderId: '',
      resourceId: cloud.id,
      description: 'Create cloud',
      createdBy: caller.subjectId,
      now: cloud.createdAt,
      result: cloudToJson(cloud),
    });
  });
}
