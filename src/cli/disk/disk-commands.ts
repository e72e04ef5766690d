import type { Command } from 'commander';
import { addAttach } from '../attachment/attach.ts';
import { addDetach } from '../attachment/attachment-commands.ts';
import { addClientFlags } from '../flags.ts';
import { resourceCommands } from '../resource-commands.ts';
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
}
