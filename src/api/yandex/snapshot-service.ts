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
import type { Authorize } from '../call.ts';
import { authorizeChange } from './authorize-change.ts';
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

export function snapshotService(snapshots: SnapshotFunctions, authorize: Authorize): ApiService {
  return authenticatedService(SnapshotService, {
    async get({ snapshotId }, { subject }) {
      const snapshot = await snapshots.getSnapshot({ snapshotId });
      await authorize(subject, 'compute.snapshots.get', snapshot);
      return snapshotMessage(snapshot);
    },

    async list({ folderId, pageSize, pageToken, filter, orderBy }, { subject }) {
      await authorize(subject, 'compute.snapshots.list', { folderId });
      const page = await snapshots.listSnapshots({ folderId, pageSize: Number(pageSize), pageToken, filter, orderBy });
      return create(ListSnapshotsResponseSchema, {
        snapshots: page.snapshots.map(snapshotMessage),
        nextPageToken: page.nextPageToken,
      });
    },

    async create({ folderId, diskId, name, description, labels, hardwareGeneration }, { subject, caller }) {
      await authorize(subject, 'compute.snapshots.create', { folderId });
      const request = { folderId, diskId, name, description, labels };
      const generation = hardwareGenerationOf(hardwareGeneration);
      return operationMessage(await snapshots.createSnapshot({ ...request, hardwareGeneration: generation }, caller));
    },

    async update({ snapshotId, updateMask, name, description, labels }, { subject, caller }) {
      const get = () => snapshots.getSnapshot({ snapshotId });
      await authorizeChange(authorize, subject, 'compute.snapshots.update', get);
      const change = { snapshotId, paths: updateMask?.paths, name, description, labels };
      return operationMessage(await snapshots.updateSnapshot(change, caller));
    },

    async delete({ snapshotId }, { subject, caller }) {
      const get = () => snapshots.getSnapshot({ snapshotId });
      await authorizeChange(authorize, subject, 'compute.snapshots.delete', get);
      return operationMessage(await snapshots.deleteSnapshot({ snapshotId }, caller));
    },

    async listOperations({ snapshotId, pageSize, pageToken }, { subject }) {
      await authorize(subject, 'compute.snapshots.get', await snapshots.getSnapshot({ snapshotId }));
      const page = await snapshots.listSnapshotOperations({ snapshotId, pageSize: Number(pageSize), pageToken });
      return create(ListSnapshotOperationsResponseSchema, {
        operations: page.operations.map(operationMessage),
        nextPageToken: page.nextPageToken,
      });
    },
  });
}
