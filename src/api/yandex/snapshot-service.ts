import { create } from '@bufbuild/protobuf';
import type { Caller } from '../../access/caller.ts';
import {
  ListSnapshotOperationsResponseSchema,
  ListSnapshotsResponseSchema,
  SnapshotService,
} from '../../gen/yandex/cloud/compute/v1/snapshot_service_pb.ts';
import type { Operation } from '../../operations/operation.ts';
import type { ListRequest } from '../../resources/list-resources.ts';
import type { CreateSnapshot } from '../../snapshots/create-snapshot.ts';
import type { Snapshot } from '../../snapshots/snapshot.ts';
import type { UpdateSnapshot } from '../../snapshots/update-snapshot.ts';
import { type ApiService, authenticatedService } from '../api-service.ts';
import type { Authorize } from '../authorization.ts';
import { authorized, authorizeSource, type FolderOf } from '../authorized.ts';
import { accessBindingHandlers, type BindingFunctions } from './access-binding-handlers.ts';
import { hardwareGenerationOf } from './hardware-generation-message.ts';
import { operationMessage } from './operation-message.ts';
import { snapshotMessage } from './snapshot-message.ts';

/** What the service calls, with what it needs already bound; see snapshots/. */
export interface SnapshotFunctions {
  createSnapshot(request: CreateSnapshot, caller: Caller): Promise<Operation>;
  getSnapshot(request: { snapshotId: string }): Promise<Snapshot>;
  listSnapshots(request: ListRequest): Promise<{ snapshots: readonly Snapshot[]; nextPageToken: string }>;
  updateSnapshot(request: UpdateSnapshot, caller: Caller): Promise<Operation>;
  deleteSnapshot(request: { snapshotId: string }, caller: Caller): Promise<Operation>;
  listSnapshotOperations(request: {
    snapshotId: string;
    pageSize: number;
    pageToken: string;
  }): Promise<{ operations: readonly Operation[]; nextPageToken: string }>;
}

export function snapshotService(
  snapshots: SnapshotFunctions,
  bindings: BindingFunctions,
  folderOf: FolderOf,
): ApiService {
  const find = (snapshotId: string, authorize: Authorize) =>
    authorized(authorize, 'Snapshot', snapshotId, () => snapshots.getSnapshot({ snapshotId }));
  return authenticatedService(SnapshotService, {
    async get({ snapshotId }, { authorize }) {
      return snapshotMessage(await find(snapshotId, authorize));
    },

    async list({ folderId, pageSize, pageToken, filter, orderBy }, { authorize }) {
      await authorize({ folderId });
      const page = await snapshots.listSnapshots({ folderId, pageSize: Number(pageSize), pageToken, filter, orderBy });
      return create(ListSnapshotsResponseSchema, {
        snapshots: page.snapshots.map(snapshotMessage),
        nextPageToken: page.nextPageToken,
      });
    },

    async create({ folderId, diskId, name, description, labels, hardwareGeneration }, { authorize, caller }) {
      await authorize({ folderId });
      await authorizeSource(authorize, folderOf, { kind: 'disk', id: diskId });
      const request = { folderId, diskId, name, description, labels };
      const generation = hardwareGenerationOf(hardwareGeneration);
      return operationMessage(await snapshots.createSnapshot({ ...request, hardwareGeneration: generation }, caller));
    },

    async update({ snapshotId, updateMask, name, description, labels }, { authorize, caller }) {
      await find(snapshotId, authorize);
      const change = { snapshotId, paths: updateMask?.paths, name, description, labels };
      return operationMessage(await snapshots.updateSnapshot(change, caller));
    },

    async delete({ snapshotId }, { authorize, caller }) {
      await find(snapshotId, authorize);
      return operationMessage(await snapshots.deleteSnapshot({ snapshotId }, caller));
    },

    async listOperations({ snapshotId, pageSize, pageToken }, { authorize }) {
      await find(snapshotId, authorize);
      const page = await snapshots.listSnapshotOperations({ snapshotId, pageSize: Number(pageSize), pageToken });
      return create(ListSnapshotOperationsResponseSchema, {
        operations: page.operations.map(operationMessage),
        nextPageToken: page.nextPageToken,
      });
    },

    ...accessBindingHandlers('Snapshot', bindings, find),
  });
}
