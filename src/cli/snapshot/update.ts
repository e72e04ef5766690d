import type { Command } from 'commander';
import { SnapshotService } from '../../gen/yandex/cloud/compute/v1/snapshot_service_pb.ts';
import { CliFailed } from '../cli-failed.ts';
import { finishOrShow } from '../finish-or-show.ts';
import { addReference, readFlag, referenceOf } from '../flags.ts';
import { findResource } from '../resource-kind.ts';
import type { ToAction } from '../run-command.ts';
import { snapshotKind } from './snapshot-kind.ts';

/** The flags of `snapshot update`; a field that is not given stays as it is. */
interface UpdateFlags {
  readonly newName?: string;
  readonly description?: string;
  readonly labels?: Record<string, string>;
  readonly async?: boolean;
}

export function addUpdate(parent: Command, toAction: ToAction): void {
  addReference(parent.command('update').description('change a snapshot'), 'snapshot')
    .option('--new-name <name>', 'new name')
    .option('--description <text>', 'new description')
    .option('--labels <key=value,...>', 'labels, instead of all that it has', readFlag.keyValues)
    .option('--async', 'print the operation and do not wait for it')
    .action(
      toAction(async (session, command) => {
        const flags = command.opts<UpdateFlags>();
        const { newName, description, labels } = flags;
        const fields = Object.entries({ name: newName, description, labels });
        const paths = fields.filter(([, value]) => value !== undefined).map(([path]) => path);
        if (paths.length === 0) throw new CliFailed('say what to change: --new-name, --description, --labels.');
        const { id: snapshotId } = await findResource(session, snapshotKind, referenceOf(command));
        const changes = { name: newName ?? '', description: description ?? '', labels: labels ?? {} };
        const request = { snapshotId, updateMask: { paths }, ...changes };
        await finishOrShow(session, await session.api.call(SnapshotService.method.update, request, session), flags);
      }),
    );
}
