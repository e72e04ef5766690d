import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Command } from 'commander';
import { DiskService, type UpdateDiskRequestSchema } from '../../gen/yandex/cloud/compute/v1/disk_service_pb.ts';
import { CliFailed } from '../cli-failed.ts';
import { finishOrShow } from '../finish-or-show.ts';
import { addReference, readFlag, referenceOf } from '../flags.ts';
import { findResource } from '../resource-kind.ts';
import type { ToAction } from '../run-command.ts';
import { diskKind } from './disk-kind.ts';
import { addPlacementFlags, type PlacementFlags, placementPolicyOf } from './placement-flags.ts';

/** The flags of `disk update`; a field that is not given stays as it is. */
export interface UpdateFlags extends PlacementFlags {
  readonly newName?: string;
  readonly description?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly size?: number;
  readonly async?: boolean;
}

export function addUpdate(parent: Command, toAction: ToAction): void {
  const update = addReference(parent.command('update').description('change a disk'), 'disk')
    .option('--new-name <name>', 'new name')
    .option('--description <text>', 'new description')
    .option('--labels <key=value,...>', 'labels, instead of all that it has', readFlag.keyValues)
    .option('--size <size>', 'new size, larger than before: 10GB, 512MB; GB without a unit', readFlag.byteSize)
    .option('--async', 'print the operation and do not wait for it');
  addPlacementFlags(update).action(change(toAction));
}

export function addResize(parent: Command, toAction: ToAction): void {
  addReference(parent.command('resize').description('make a disk larger'), 'disk')
    .requiredOption('--size <size>', 'new size: 10GB, 512MB; GB without a unit', readFlag.byteSize)
    .option('--async', 'print the operation and do not wait for it')
    .action(change(toAction));
}

function change(toAction: ToAction): ReturnType<ToAction> {
  return toAction(async (session, command) => {
    const flags = command.opts<UpdateFlags>();
    const changes = changesOf(flags);
    const { id: diskId } = await findResource(session, diskKind, referenceOf(command));
    const operation = await session.api.call(DiskService.method.update, { diskId, ...changes }, session);
    await finishOrShow(session, operation, flags);
  });
}

/** The fields given and the mask that names them. */
export function changesOf(flags: UpdateFlags): MessageInitShape<typeof UpdateDiskRequestSchema> {
  const { newName, description, labels, size } = flags;
  const diskPlacementPolicy = placementPolicyOf(flags);
  const fields = [
    ['name', newName],
    ['description', description],
    ['labels', labels],
    ['size', size],
    ['disk_placement_policy', diskPlacementPolicy],
  ] as const;
  const paths = fields.filter(([, value]) => value !== undefined).map(([path]) => path);
  if (paths.length === 0) {
    throw new CliFailed('say what to change: --new-name, --description, --labels, --size, --disk-placement-group-id.');
  }
  return {
    updateMask: { paths },
    name: newName ?? '',
    description: description ?? '',
    labels: labels ?? {},
    size: BigInt(size ?? 0),
    ...(diskPlacementPolicy === undefined ? {} : { diskPlacementPolicy }),
  };
}
