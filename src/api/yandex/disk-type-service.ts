import { create } from '@bufbuild/protobuf';
import { type Catalog, getDiskType, listDiskTypes } from '../../disks/catalog.ts';
import type { DiskType } from '../../disks/disk-type.ts';
import { type DiskType as DiskTypeMessage, DiskTypeSchema } from '../../gen/yandex/cloud/compute/v1/disk_type_pb.ts';
import {
  DiskTypeService,
  ListDiskTypesResponseSchema,
} from '../../gen/yandex/cloud/compute/v1/disk_type_service_pb.ts';
import { type ApiService, authenticatedService } from '../api-service.ts';

/** The types of disks that there are: the same for everybody who may ask. */
export function diskTypeService(catalog: Catalog): ApiService {
  return authenticatedService(DiskTypeService, {
    async get({ diskTypeId }) {
      return diskTypeMessage(getDiskType(catalog, { diskTypeId }));
    },

    async list({ pageSize, pageToken }) {
      const { items, nextPageToken } = listDiskTypes(catalog, { pageSize: Number(pageSize), pageToken });
      return create(ListDiskTypesResponseSchema, { diskTypes: items.map(diskTypeMessage), nextPageToken });
    },
  });
}

function diskTypeMessage({ id, description, zoneIds }: DiskType): DiskTypeMessage {
  return create(DiskTypeSchema, { id, description, zoneIds: [...zoneIds] });
}
