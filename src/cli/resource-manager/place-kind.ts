import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import type { Operation } from '../../gen/yandex/cloud/operation/operation_pb.ts';
import { CloudSchema } from '../../gen/yandex/cloud/resourcemanager/v1/cloud_pb.ts';
import { CloudService } from '../../gen/yandex/cloud/resourcemanager/v1/cloud_service_pb.ts';
import { FolderSchema } from '../../gen/yandex/cloud/resourcemanager/v1/folder_pb.ts';
import { FolderService } from '../../gen/yandex/cloud/resourcemanager/v1/folder_service_pb.ts';
import { CliFailed } from '../cli-failed.ts';
import { findCloudId, quote } from '../find-resources.ts';
import type { Columns } from '../render.ts';
import { findReferenced, type ListQuery, type Page, type ResourceReference } from '../resource-kind.ts';
import type { Session } from '../session.ts';
import { cloudColumns, folderColumns } from './place-columns.ts';

/** What may be said of a cloud and of a folder alike. */
export interface PlaceFields {
  readonly name: string;
  readonly description: string;
  readonly labels: Record<string, string>;
}

type PlaceQuery = Pick<ListQuery, 'pageSize' | 'pageToken' | 'filter'>;

/** Clouds, or folders, with the verbs that they share. */
export interface PlaceKind<D extends DescMessage> {
  readonly noun: 'cloud' | 'folder';
  readonly schema: D;
  readonly columns: Columns<MessageShape<D>>;
  get(session: Session, id: string): Promise<MessageShape<D> & { readonly id: string }>;
  list(session: Session, query: PlaceQuery): Promise<Page<MessageShape<D> & { readonly id: string }>>;
  create(session: Session, fields: PlaceFields, organizationId: string): Promise<Operation>;
  update(session: Session, id: string, paths: string[], fields: PlaceFields): Promise<Operation>;
  delete(session: Session, id: string): Promise<Operation>;
  listOperations(
    session: Session,
    id: string,
    page: Pick<ListQuery, 'pageSize' | 'pageToken'>,
  ): Promise<Page<Operation>>;
}

export const cloudKind: PlaceKind<typeof CloudSchema> = {
  noun: 'cloud',
  schema: CloudSchema,
  columns: cloudColumns,
  get: (session, cloudId) => session.api.call(CloudService.method.get, { cloudId }, session),
  async list(session, query) {
    const { clouds: items, nextPageToken } = await session.api.call(CloudService.method.list, query, session);
    return { items, nextPageToken };
  },
  create: (session, fields, organizationId) =>
    session.api.call(CloudService.method.create, { ...fields, organizationId }, session),
  update: (session, cloudId, paths, fields) =>
    session.api.call(CloudService.method.update, { cloudId, updateMask: { paths }, ...fields }, session),
  delete: (session, cloudId) => session.api.call(CloudService.method.delete, { cloudId }, session),
  async listOperations(session, cloudId, page) {
    const reply = await session.api.call(CloudService.method.listOperations, { cloudId, ...page }, session);
    return { items: reply.operations, nextPageToken: reply.nextPageToken };
  },
};

export const folderKind: PlaceKind<typeof FolderSchema> = {
  noun: 'folder',
  schema: FolderSchema,
  columns: folderColumns,
  get: (session, folderId) => session.api.call(FolderService.method.get, { folderId }, session),
  async list(session, query) {
    const request = { cloudId: await findCloudId(session), ...query };
    const { folders: items, nextPageToken } = await session.api.call(FolderService.method.list, request, session);
    return { items, nextPageToken };
  },
  create: async (session, fields) =>
    session.api.call(FolderService.method.create, { cloudId: await findCloudId(session), ...fields }, session),
  update: (session, folderId, paths, fields) =>
    session.api.call(FolderService.method.update, { folderId, updateMask: { paths }, ...fields }, session),
  delete: (session, folderId) => session.api.call(FolderService.method.delete, { folderId }, session),
  async listOperations(session, folderId, page) {
    const reply = await session.api.call(FolderService.method.listOperations, { folderId, ...page }, session);
    return { items: reply.operations, nextPageToken: reply.nextPageToken };
  },
};

/** The cloud or folder that is meant. What could be an id is first looked up as one. */
export async function findPlace<D extends DescMessage>(
  session: Session,
  kind: PlaceKind<D>,
  reference: ResourceReference,
): Promise<MessageShape<D> & { readonly id: string }> {
  return await findReferenced(session, kind, reference, async (name) => {
    const query = { pageSize: 2n, pageToken: '', filter: `name = ${quote(name)}` };
    const [found] = (await kind.list(session, query)).items;
    if (found === undefined) throw new CliFailed(`there is no ${kind.noun} "${name}" that you may see.`);
    return found;
  });
}
