import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Command } from 'commander';
import { ImageService, type UpdateImageRequestSchema } from '../../gen/yandex/cloud/compute/v1/image_service_pb.ts';
import { CliFailed } from '../cli-failed.ts';
import { finishOrShow } from '../finish-or-show.ts';
import { addReference, readFlag, referenceOf } from '../flags.ts';
import { findResource } from '../resource-kind.ts';
import type { ToAction } from '../run-command.ts';
import { imageKind } from './image-kind.ts';

/** The flags of `image update`; a field that is not given stays as it is. */
export interface UpdateFlags {
  readonly newName?: string;
  readonly description?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly minDiskSize?: number;
  readonly async?: boolean;
}

export function addUpdate(parent: Command, toAction: ToAction): void {
  addReference(parent.command('update').description('change an image'), 'image')
    .option('--new-name <name>', 'new name')
    .option('--description <text>', 'new description')
    .option('--labels <key=value,...>', 'labels, instead of all that it has', readFlag.keyValues)
    .option(
      '--min-disk-size <size>',
      'smallest disk that may be made from it: 10GB, 512MB; GB without a unit',
      readFlag.byteSize,
    )
    .option('--async', 'print the operation and do not wait for it')
    .action(
      toAction(async (session, command) => {
        const flags = command.opts<UpdateFlags>();
        const changes = changesOf(flags);
        const { id: imageId } = await findResource(session, imageKind, referenceOf(command));
        const operation = await session.api.call(ImageService.method.update, { imageId, ...changes }, session);
        await finishOrShow(session, operation, flags);
      }),
    );
}

/** The fields given and the mask that names them. */
export function changesOf(flags: UpdateFlags): MessageInitShape<typeof UpdateImageRequestSchema> {
  const { newName, description, labels, minDiskSize } = flags;
  const fields = [
    ['name', newName],
    ['description', description],
    ['labels', labels],
    ['min_disk_size', minDiskSize],
  ] as const;
  const paths = fields.filter(([, value]) => value !== undefined).map(([path]) => path);
  if (paths.length === 0)
    throw new CliFailed('say what to change: --new-name, --description, --labels, --min-disk-size.');
  return {
    updateMask: { paths },
    name: newName ?? '',
    description: description ?? '',
    labels: labels ?? {},
    minDiskSize: BigInt(minDiskSize ?? 0),
  };
}
