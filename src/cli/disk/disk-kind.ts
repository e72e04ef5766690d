import { type Disk, DiskSchema } from '../../gen/yandex/cloud/compute/v1/disk_pb.ts';
import { DiskService } from '../../gen/yandex/cloud/compute/v1/disk_service_pb.ts';
import { diskColumns } from '../columns.ts';
import type { ResourceKind } from '../resource-kind.ts';

export const diskKind: ResourceKind<typeof DiskSchema, Disk> = {
  noun: 'disk',
  schema: DiskSchema,
  columns: diskColumns,
  get: (session, diskId) => session.api.call(DiskService.method.get, { diskId }, session),
  async list(session, query) {
    const { disks: items, nextPageToken } = await session.api.call(DiskService.method.list, query, session);
    return { items, nextPageToken };
  },
  delete: (session, diskId) => session.api.call(DiskService.method.delete, { diskId }, session),
  setLabels(session, diskId, labels) {
    const request = { diskId, updateMask: { paths: ['labels'] }, labels };
    return session.api.call(DiskService.method.update, request, session);
  },
  async listOperations(session, diskId, page) {
    const reply = await session.api.call(DiskService.method.listOperations, { diskId, ...page }, session);
    return { items: reply.operations, nextPageToken: reply.nextPageToken };
  },
};
