import { create } from '@bufbuild/protobuf';
import { type Catalog, getZone, listZones } from '../../disks/catalog.ts';
import type { Zone } from '../../disks/zone.ts';
import { Zone_Status, type Zone as ZoneMessage, ZoneSchema } from '../../gen/yandex/cloud/compute/v1/zone_pb.ts';
import { ListZonesResponseSchema, ZoneService } from '../../gen/yandex/cloud/compute/v1/zone_service_pb.ts';
import { type ApiService, authenticatedService } from '../api-service.ts';

/** The zones that there are: the same for everybody who may ask. */
export function zoneService(catalog: Catalog): ApiService {
  return authenticatedService(ZoneService, {
    async get({ zoneId }) {
      return zoneMessage(getZone(catalog, { zoneId }));
    },

    async list({ pageSize, pageToken }) {
      const { items, nextPageToken } = listZones(catalog, { pageSize: Number(pageSize), pageToken });
      return create(ListZonesResponseSchema, { zones: items.map(zoneMessage), nextPageToken });
    },
  });
}

/** They are names of places on one service: up as long as it answers. */
function zoneMessage({ id, regionId }: Zone): ZoneMessage {
  return create(ZoneSchema, { id, regionId, status: Zone_Status.UP });
}
