import type { Command } from 'commander';
import { DiskService } from '../../gen/yandex/cloud/compute/v1/disk_service_pb.ts';
import { addAttach } from '../attachment/attach.ts';
import { addDetach } from '../attachment/attachment-commands.ts';
import { addAccessBindingCommands } from '../bindings/access-binding-commands.ts';
import { addClientFlags } from '../flags.ts';
import { resourceCommands } from '../resource-commands.ts';
import { findResource } from '../resource-kind.ts';
import type { ToAction } from '../run-command.ts';
import { addCreate } from './create.ts';
import { diskKind } from './disk-kind.ts';
import { addMove, addRelocate } from './move.ts';
import { addResize, addUpdate } from './update.ts';

/** `disk ...`, with yc's verbs and flags. */
export function addDiskCommands(parent: Command, toAction: ToAction): void {
  const disk = parent.command('disk').description('make, find and change disks');
  addClientFlags(disk);
  const common = resourceCommands(disk, toAction, diskKind);
  addCreate(disk, toAction);
  common.addGet();
  common.addList();
  addUpdate(disk, toAction);
  addResize(disk, toAction);
  common.addLabels();
  addMove(disk, toAction);
  addRelocate(disk, toAction);
  addAttach(disk, toAction, diskKind);
  addDetach(disk, toAction);
  common.addDelete();
  common.addListOperations();
  addAccessBindingCommands(disk, toAction, {
    noun: 'disk',
    method: DiskService.method,
    find: (session, reference) => findResource(session, diskKind, reference),
  });
}
