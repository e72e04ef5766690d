import type { Command } from 'commander';
import { SnapshotService } from '../../gen/yandex/cloud/compute/v1/snapshot_service_pb.ts';
import { addAttach } from '../attachment/attach.ts';
import { addAccessBindingCommands } from '../bindings/access-binding-commands.ts';
import { addClientFlags } from '../flags.ts';
import { resourceCommands } from '../resource-commands.ts';
import { findResource } from '../resource-kind.ts';
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
  addAccessBindingCommands(snapshot, toAction, {
    noun: 'snapshot',
    method: SnapshotService.method,
    find: (session, reference) => findResource(session, snapshotKind, reference),
  });
}
