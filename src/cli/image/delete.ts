import type { Command } from 'commander';
import { ImageService } from '../../gen/yandex/cloud/compute/v1/image_service_pb.ts';
import { findImage } from '../find-resources.ts';
import { finishOrShow } from '../finish-or-show.ts';
import { addImageReference } from '../flags.ts';
import type { ToAction } from '../run-command.ts';
import { referenceOf } from './get.ts';

export function addDelete(parent: Command, toAction: ToAction): void {
  addImageReference(parent.command('delete').description('delete an image'))
    .option('--async', 'print the operation and do not wait for it')
    .action(
      toAction(async (session, command) => {
        const { id: imageId } = await findImage(session, referenceOf(command));
        const operation = await session.api.call(ImageService.method.delete, { imageId }, session);
        await finishOrShow(session, operation, command.opts<{ async?: boolean }>());
      }),
    );
}
