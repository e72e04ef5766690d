import { create } from '@bufbuild/protobuf';
import type { Caller } from '../../access/caller.ts';
import type { CreateDisk } from '../../disks/create-disk.ts';
import type { Disk } from '../../disks/disk.ts';
import type { MoveDisk } from '../../disks/move-disk.ts';
import type { RelocateDisk } from '../../disks/relocate-disk.ts';
import type { UpdateDisk } from '../../disks/update-disk.ts';
import { invalidField } from '../../errors.ts';
import {
  type CreateDiskRequest,
  DiskService,
  ListDiskOperationsResponseSchema,
  ListDisksResponseSchema,
} from '../../gen/yandex/cloud/compute/v1/disk_service_pb.ts';
import type { Operation } from '../../operations/operation.ts';
import type { ListRequest } from '../../resources/list-resources.ts';
import { type ApiService, authenticatedService } from '../api-service.ts';
import type { Authorize } from '../authorization.ts';
import { authorized, authorizeSource, type FolderOf } from '../authorized.ts';
import { accessBindingHandlers, type BindingFunctions } from './access-binding-handlers.ts';
import { diskMessage, placementPolicyOf } from './disk-message.ts';
import { hardwareGenerationOf } from './hardware-generation-message.ts';
import { operationMessage } from './operation-message.ts';

/** What the service calls, with what it needs already bound; see disks/. */
export interface DiskFunctions {
  createDisk(request: CreateDisk, caller: Caller): Promise<Operation>;
  getDisk(request: { diskId: string }): Promise<Disk>;
  listDisks(request: ListRequest): Promise<{ disks: readonly Disk[]; nextPageToken: string }>;
  updateDisk(request: UpdateDisk, caller: Caller): Promise<Operation>;
  deleteDisk(request: { diskId: string }, caller: Caller): Promise<Operation>;
  moveDisk(request: MoveDisk, caller: Caller): Promise<Operation>;
  relocateDisk(request: RelocateDisk, caller: Caller): Promise<Operation>;
  listDiskOperations(request: {
    diskId: string;
    pageSize: number;
    pageToken: string;
  }): Promise<{ operations: readonly Operation[]; nextPageToken: string }>;
}

export function diskService(disks: DiskFunctions, bindings: BindingFunctions, folderOf: FolderOf): ApiService {
  const find = (diskId: string, authorize: Authorize) =>
    authorized(authorize, 'Disk', diskId, () => disks.getDisk({ diskId }));
  return authenticatedService(DiskService, {
    async get({ diskId }, { authorize }) {
      return diskMessage(await find(diskId, authorize));
    },

    async list({ folderId, pageSize, pageToken, filter, orderBy }, { authorize }) {
      await authorize({ folderId });
      const page = await disks.listDisks({ folderId, pageSize: Number(pageSize), pageToken, filter, orderBy });
      return create(ListDisksResponseSchema, {
        disks: page.disks.map(diskMessage),
        nextPageToken: page.nextPageToken,
      });
    },

    async create(request, { authorize, caller }) {
      const { folderId, name, description, labels, typeId, zoneId } = request;
      const source = sourceOf(request);
      await authorize({ folderId });
      if (source !== undefined) await authorizeSource(authorize, folderOf, source);
      refuseWhatIsNotKept(request);
      const operation = await disks.createDisk(
        {
          folderId,
          name,
          description,
          labels,
          typeId,
          zoneId,
          sizeBytes: Number(request.size),
          blockSizeBytes: Number(request.blockSize),
          source,
          placementPolicy: placementPolicyOf(request.diskPlacementPolicy),
          hardwareGeneration: hardwareGenerationOf(request.hardwareGeneration),
        },
        caller,
      );
      return operationMessage(operation);
    },

    async update({ diskId, updateMask, name, description, labels, ...request }, { authorize, caller }) {
      await find(diskId, authorize);
      const sizeBytes = Number(request.size);
      const placementPolicy = placementPolicyOf(request.diskPlacementPolicy);
      const change = { diskId, paths: updateMask?.paths, name, description, labels, sizeBytes, placementPolicy };
      return operationMessage(await disks.updateDisk(change, caller));
    },

    async delete({ diskId }, { authorize, caller }) {
      await find(diskId, authorize);
      return operationMessage(await disks.deleteDisk({ diskId }, caller));
    },

    async move({ diskId, destinationFolderId }, { authorize, caller }) {
      await find(diskId, authorize);
      await authorize({ folderId: destinationFolderId }, 'compute.disks.create');
      return operationMessage(await disks.moveDisk({ diskId, destinationFolderId }, caller));
    },

    async relocate({ diskId, destinationZoneId, diskPlacementPolicy }, { authorize, caller }) {
      await find(diskId, authorize);
      const placementPolicy = placementPolicyOf(diskPlacementPolicy);
      return operationMessage(await disks.relocateDisk({ diskId, destinationZoneId, placementPolicy }, caller));
    },

    async listOperations({ diskId, pageSize, pageToken }, { authorize }) {
      await find(diskId, authorize);
      const page = await disks.listDiskOperations({ diskId, pageSize: Number(pageSize), pageToken });
      return create(ListDiskOperationsResponseSchema, {
        operations: page.operations.map(operationMessage),
        nextPageToken: page.nextPageToken,
      });
    },

    ...accessBindingHandlers('Disk', bindings, find),
  });
}

/** A disk that is not encrypted where that was asked for, or not backed up, is worse than none. */
function refuseWhatIsNotKept({ kmsKeyId, snapshotScheduleIds }: CreateDiskRequest): void {
  if (kmsKeyId !== '') throw invalidField('kms_key_id', 'this service encrypts no disks: leave it empty');
  if (snapshotScheduleIds.length > 0) {
    throw invalidField('snapshot_schedule_ids', 'this service makes no snapshots by itself: leave it empty');
  }
}

function sourceOf({ source }: CreateDiskRequest): CreateDisk['source'] {
  switch (source.case) {
    case 'imageId':
      return { kind: 'image', id: source.value };
    case 'snapshotId':
      return { kind: 'snapshot', id: source.value };
    case undefined:
      return undefined;
  }
}
