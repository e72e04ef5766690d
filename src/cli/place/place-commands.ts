import type { Command } from 'commander';
import { type DiskType, DiskTypeSchema } from '../../gen/yandex/cloud/compute/v1/disk_type_pb.ts';
import { DiskTypeService } from '../../gen/yandex/cloud/compute/v1/disk_type_service_pb.ts';
import { type Zone, Zone_StatusSchema, ZoneSchema } from '../../gen/yandex/cloud/compute/v1/zone_pb.ts';
import { ZoneService } from '../../gen/yandex/cloud/compute/v1/zone_service_pb.ts';
import { listAll } from '../find-resources.ts';
import { addClientFlags } from '../flags.ts';
import { type Columns, showMany, showOne } from '../render.ts';
import type { ToAction } from '../run-command.ts';

const zoneColumns: Columns<Zone> = [
  ['ID', (zone) => zone.id],
  ['REGION', (zone) => zone.regionId],
  ['STATUS', (zone) => Zone_StatusSchema.value[zone.status]?.name ?? `${zone.status}`],
];

const diskTypeColumns: Columns<DiskType> = [
  ['ID', (type) => type.id],
  ['DESCRIPTION', (type) => type.description],
  ['ZONES', (type) => type.zoneIds.join(', ')],
];

/** `zone list | get` and `disk-type list | get`: where and of what kinds disks can be. */
export function addPlaceCommands(parent: Command, toAction: ToAction): void {
  const zone = parent.command('zone').description('look at the zones that disks can be in');
  addClientFlags(zone);
  zone
    .command('list')
    .description('list the zones')
    .action(
      toAction(async (session) => {
        const zones = await listAll(0, async (pageSize, pageToken) => {
          const reply = await session.api.call(ZoneService.method.list, { pageSize, pageToken }, session);
          return { items: reply.zones, nextPageToken: reply.nextPageToken };
        });
        await showMany(session, ZoneSchema, zones, zoneColumns);
      }),
    );
  zone
    .command('get')
    .description('show a zone')
    .argument('<id>', 'id of the zone')
    .action(
      toAction(async (session, { args: [zoneId = ''] }) => {
        await showOne(
          session,
          ZoneSchema,
          await session.api.call(ZoneService.method.get, { zoneId }, session),
          zoneColumns,
        );
      }),
    );

  const diskType = parent.command('disk-type').description('look at the types that disks can have');
  addClientFlags(diskType);
  diskType
    .command('list')
    .description('list the disk types')
    .action(
      toAction(async (session) => {
        const types = await listAll(0, async (pageSize, pageToken) => {
          const reply = await session.api.call(DiskTypeService.method.list, { pageSize, pageToken }, session);
          return { items: reply.diskTypes, nextPageToken: reply.nextPageToken };
        });
        await showMany(session, DiskTypeSchema, types, diskTypeColumns);
      }),
    );
  diskType
    .command('get')
    .description('show a disk type')
    .argument('<id>', 'id of the disk type')
    .action(
      toAction(async (session, { args: [diskTypeId = ''] }) => {
        const found = await session.api.call(DiskTypeService.method.get, { diskTypeId }, session);
        await showOne(session, DiskTypeSchema, found, diskTypeColumns);
      }),
    );
}
