import { type Image, ImageSchema } from '../../gen/yandex/cloud/compute/v1/image_pb.ts';
import { ImageService } from '../../gen/yandex/cloud/compute/v1/image_service_pb.ts';
import { imageColumns } from '../columns.ts';
import type { ResourceKind } from '../resource-kind.ts';

export const imageKind: ResourceKind<typeof ImageSchema, Image> = {
  noun: 'image',
  schema: ImageSchema,
  columns: imageColumns,
  get: (session, imageId) => session.api.call(ImageService.method.get, { imageId }, session),
  async list(session, query) {
    const { images: items, nextPageToken } = await session.api.call(ImageService.method.list, query, session);
    return { items, nextPageToken };
  },
  delete: (session, imageId) => session.api.call(ImageService.method.delete, { imageId }, session),
  setLabels(session, imageId, labels) {
    const request = { imageId, updateMask: { paths: ['labels'] }, labels };
    return session.api.call(ImageService.method.update, request, session);
  },
  async listOperations(session, imageId, page) {
    const reply = await session.api.call(ImageService.method.listOperations, { imageId, ...page }, session);
    return { items: reply.operations, nextPageToken: reply.nextPageToken };
  },
};
