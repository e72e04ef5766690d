import { create } from '@bufbuild/protobuf';
import type { Caller } from '../../access/caller.ts';
import { invalidField } from '../../errors.ts';
import {
  type CreateImageRequest,
  ImageService,
  ListImageOperationsResponseSchema,
  ListImagesResponseSchema,
} from '../../gen/yandex/cloud/compute/v1/image_service_pb.ts';
import type { CreateImage } from '../../images/create-image.ts';
import type { Image } from '../../images/image.ts';
import type { SourceReport } from '../../images/source-report.ts';
import type { UpdateImage } from '../../images/update-image.ts';
import type { Operation } from '../../operations/operation.ts';
import type { ListRequest } from '../../resources/list-resources.ts';
import { type ApiService, authenticatedService } from '../api-service.ts';
import type { Authorize } from '../authorization.ts';
import { authorized, authorizeSource, type ContentReference, type FolderOf } from '../authorized.ts';
import type { SourceCall } from '../s3/storage-source.ts';
import { accessBindingHandlers, type BindingFunctions } from './access-binding-handlers.ts';
import { hardwareGenerationOf } from './hardware-generation-message.ts';
import { imageMessage, osOf } from './image-message.ts';
import { operationMessage } from './operation-message.ts';

/** What the service calls, with what it needs already bound; see images/. */
export interface ImageFunctions {
  createImage(request: CreateImage, caller: Caller): Promise<Operation>;
  getImage(request: { imageId: string }): Promise<Image>;
  /** What was found in the file that it was made from. */
  getImageSource(request: { imageId: string }): Promise<SourceReport | undefined>;
  getLatestByFamily(request: { folderId: string; family: string }): Promise<Image>;
  listImages(request: ListRequest): Promise<{ images: readonly Image[]; nextPageToken: string }>;
  updateImage(request: UpdateImage, caller: Caller): Promise<Operation>;
  deleteImage(request: { imageId: string }, caller: Caller): Promise<Operation>;
  /** What an address is to an import: see api/s3/storage-source.ts. */
  findStorageSource(uri: string, call: SourceCall): Promise<CreateImage['source']>;
  listImageOperations(request: {
    imageId: string;
    pageSize: number;
    pageToken: string;
  }): Promise<{ operations: readonly Operation[]; nextPageToken: string }>;
}

export function imageService(images: ImageFunctions, bindings: BindingFunctions, folderOf: FolderOf): ApiService {
  const find = (imageId: string, authorize: Authorize) =>
    authorized(authorize, 'Image', imageId, () => images.getImage({ imageId }));
  return authenticatedService(ImageService, {
    async get({ imageId }, { authorize }) {
      const image = await find(imageId, authorize);
      return imageMessage(image, await images.getImageSource({ imageId }));
    },

    async getLatestByFamily({ folderId, family }, { authorize }) {
      await authorize({ folderId });
      const image = await images.getLatestByFamily({ folderId, family });
      return imageMessage(image, await images.getImageSource({ imageId: image.id }));
    },

    async list({ folderId, pageSize, pageToken, filter, orderBy }, { authorize }) {
      await authorize({ folderId });
      const page = await images.listImages({ folderId, pageSize: Number(pageSize), pageToken, filter, orderBy });
      return create(ListImagesResponseSchema, {
        images: page.images.map((image) => imageMessage(image)),
        nextPageToken: page.nextPageToken,
      });
    },

    async create(request, { authorize, caller, subject, address }) {
      const { folderId, name, description, labels, family, productIds, pooled } = request;
      const asked = sourceOf(request);
      await authorize({ folderId });
      if (asked.kind !== 'uri') await authorizeSource(authorize, folderOf, referenceOf(asked));
      const source =
        asked.kind === 'uri' ? await images.findStorageSource(asked.uri, { subject, folderId, address }) : asked;
      const operation = await images.createImage(
        {
          folderId,
          name,
          description,
          labels,
          family,
          minDiskSizeBytes: Number(request.minDiskSize),
          productIds,
          source,
          os: osOf(request.os),
          pooled,
          sourceSha256: request.sourceSha256,
          sourceSha512: request.sourceSha512,
          hardwareGeneration: hardwareGenerationOf(request.hardwareGeneration),
        },
        caller,
      );
      return operationMessage(operation);
    },

    async update({ imageId, updateMask, name, description, minDiskSize, labels }, { authorize, caller }) {
      await find(imageId, authorize);
      const minDiskSizeBytes = Number(minDiskSize);
      const change = { imageId, paths: updateMask?.paths, name, description, minDiskSizeBytes, labels };
      return operationMessage(await images.updateImage(change, caller));
    },

    async delete({ imageId }, { authorize, caller }) {
      await find(imageId, authorize);
      return operationMessage(await images.deleteImage({ imageId }, caller));
    },

    async listOperations({ imageId, pageSize, pageToken }, { authorize }) {
      await find(imageId, authorize);
      const page = await images.listImageOperations({ imageId, pageSize: Number(pageSize), pageToken });
      return create(ListImageOperationsResponseSchema, {
        operations: page.operations.map(operationMessage),
        nextPageToken: page.nextPageToken,
      });
    },

    ...accessBindingHandlers('Image', bindings, find),
  });
}

function sourceOf({ source }: CreateImageRequest): CreateImage['source'] {
  switch (source.case) {
    case 'uri':
      return { kind: 'uri', uri: source.value };
    case 'imageId':
      return { kind: 'image', imageId: source.value };
    case 'diskId':
      return { kind: 'disk', diskId: source.value };
    case 'snapshotId':
      return { kind: 'snapshot', snapshotId: source.value };
    case undefined:
      throw invalidField('source', 'one of image_id, disk_id, snapshot_id and uri is required');
  }
}

function referenceOf(source: Exclude<CreateImage['source'], { kind: 'uri' }>): ContentReference {
  switch (source.kind) {
    case 'image':
      return { kind: 'image', id: source.imageId };
    case 'disk':
      return { kind: 'disk', id: source.diskId };
    case 'snapshot':
      return { kind: 'snapshot', id: source.snapshotId };
  }
}
