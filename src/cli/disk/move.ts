import type { Command } from 'commander';
import { DiskService } from '../../gen/yandex/cloud/compute/v1/disk_service_pb.ts';
import { finishOrShow } from '../finish-or-show.ts';
import { addReference, referenceOf } from '../flags.ts';
import { findResource } from '../resource-kind.ts';
import type { ToAction } from '../run-command.ts';
import { diskKind } from './disk-kind.ts';
import { addPlacementFlags, type PlacementFlags, placementPolicyOf } from './placement-flags.ts';

export function addMove(parent: Command, toAction: ToAction): void {
  addReference(parent.command('move').description('put a disk into another folder of its cloud'), 'disk')
    .requiredOption('--destination-folder-id <id>', 'folder to put it into')
    .option('--async', 'print the operation and do not wait for it')
    .action(
      toAction(async (session, command) => {
        const flags = command.opts<{ destinationFolderId: string; async?: boolean }>();
        const { destinationFolderId } = flags;
        const { id: diskId } = await findResource(session, diskKind, referenceOf(command));
        const operation = await session.api.call(DiskService.method.move, { diskId, destinationFolderId }, session);
        await finishOrShow(session, operation, flags);
      }),
    );
}

export function addRelocate(parent: Command, toAction: ToAction): void {
  const relocate = addReference(parent.command('relocate').description('put a disk into another zone'), 'disk')
    .requiredOption('--destination-zone-id <zone>', 'zone to put it into')
    .option('--async', 'print the operation and do not wait for it');
  addPlacementFlags(relocate).action(
    toAction(async (session, command) => {
      const flags = command.opts<PlacementFlags & { destinationZoneId: string; async?: boolean }>();
      const { destinationZoneId } = flags;
      const diskPlacementPolicy = placementPolicyOf(flags);
      const { id: diskId } = await findResource(session, diskKind, referenceOf(command));
      const request = {
        diskId,
        destinationZoneId,
        ...(diskPlacementPolicy === undefined ? {} : { diskPlacementPolicy }),
      };
      await finishOrShow(session, await session.api.call(DiskService.method.relocate, request, session), flags);
    }),
  );
}
