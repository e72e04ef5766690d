import { type Snapshot, SnapshotSchema } from '../../gen/yandex/cloud/compute/v1/snapshot_pb.ts';
import { SnapshotService } from '../../gen/yandex/cloud/compute/v1/snapshot_service_pb.ts';
import { snapshotColumns } from '../columns.ts';
import type { ResourceKind } from '../resource-kind.ts';

export const snapshotKind: ResourceKind<typeof SnapshotSchema, Snapshot> = {
  noun: 'snapshot',
  schema: SnapshotSchema,
  columns: snapshotColumns,
  get: (session, snapshotId) => session.api.call(SnapshotService.method.get, { snapshotId }, session),
  async list(session, query) {
    const { snapshots: items, nextPageToken } = await session.api.call(SnapshotService.method.list, query, session);
    return { items, nextPageToken };
  },
  delete: (session, snapshotId) => session.api.call(SnapshotService.method.delete, { snapshotId }, session),
  setLabels(session, snapshotId, labels) {
    const request = { snapshotId, updateMask: { paths: ['labels'] }, labels };
    return session.api.call(SnapshotService.method.update, request, session);
  },
  async listOperations(session, snapshotId, page) {
    const reply = await session.api.call(SnapshotService.method.listOperations, { snapshotId, ...page }, session);
    return { items: reply.operations, nextPageToken: reply.nextPageToken };
  },
};
