import type { Command } from 'commander';
import { SnapshotService } from '../../gen/yandex/cloud/compute/v1/snapshot_service_pb.ts';
import { CliFailed } from '../cli-failed.ts';
import { diskKind } from '../disk/disk-kind.ts';
import { findFolderId } from '../find-resources.ts';
import { finishOrShow } from '../finish-or-show.ts';
import { readFlag } from '../flags.ts';
import { addHardwareFlags, type HardwareFlags, hardwareGenerationOf } from '../hardware-flags.ts';
import { onlyOneOf } from '../only-one-of.ts';
import { resourceByName } from '../resource-kind.ts';
import type { ToAction } from '../run-command.ts';

/** The flags of `snapshot create`, as yc names them. */
export interface CreateFlags extends HardwareFlags {
  readonly name?: string;
  readonly description?: string;
  readonly labels?: Record<string, string>;
  readonly diskId?: string;
  readonly diskName?: string;
  readonly async?: boolean;
}

export function addCreate(parent: Command, toAction: ToAction): void {
  const create = parent
    .command('create')
    .description('keep what a disk holds now')
    .option('--name <name>', 'name of the snapshot')
    .option('--description <text>', 'description of the snapshot')
    .option('--labels <key=value,...>', 'labels of the snapshot', readFlag.keyValues)
    .option('--disk-id <id>', 'disk')
    .option('--disk-name <name>', 'disk, by name')
    .option('--async', 'print the operation and do not wait for it');
  addHardwareFlags(create).action(
    toAction(async (session, command) => {
      const flags = command.opts<CreateFlags>();
      const { name = '', description = '', labels = {}, diskName = '' } = flags;
      const disks = { diskId: '--disk-id', diskName: '--disk-name' };
      if (onlyOneOf(flags, disks) === undefined) throw new CliFailed('name the disk: --disk-id or --disk-name.');
      const folderId = await findFolderId(session);
      const diskId = flags.diskId ?? (await resourceByName(session, diskKind, diskName, folderId)).id;
      const hardwareGeneration = hardwareGenerationOf(flags);
      const request = {
        ...{ folderId, diskId, name, description, labels },
        ...(hardwareGeneration === undefined ? {} : { hardwareGeneration }),
      };
      await finishOrShow(session, await session.api.call(SnapshotService.method.create, request, session), flags);
    }),
  );
}
