import type { Command } from 'commander';
import { addAttach } from '../attachment/attach.ts';
import { addClientFlags } from '../flags.ts';
import { resourceCommands } from '../resource-commands.ts';
import type { ToAction } from '../run-command.ts';
import { addCreate } from './create.ts';
import { snapshotKind } from './snapshot-kind.ts';
import { addUpdate } from './update.ts';

/** `snapshot ...`, with yc's verbs and flags. */
export function addSnapshotCommands(parent: Command, toAction: ToAction): void {
  const snapshot = parent.command('snapshot').description('keep what disks hold, and find and change what was kept');
  addClientFlags(snapshot);
  const common = resourceCommands(snapshot, toAction, snapshotKind);
  addCreate(snapshot, toAction);
  common.addGet();
  common.addList();
  addUpdate(snapshot, toAction);
  common.addLabels();
  addAttach(snapshot, toAction, snapshotKind);
  common.addDelete();
  common.addListOperations();
}
