import type { Command } from 'commander';
import { ImageSchema } from '../../gen/yandex/cloud/compute/v1/image_pb.ts';
import { ImageService } from '../../gen/yandex/cloud/compute/v1/image_service_pb.ts';
import { CliFailed } from '../cli-failed.ts';
import { imageColumns } from '../columns.ts';
import { findFolderId } from '../find-resources.ts';
import { showOne } from '../render.ts';
import type { ToAction } from '../run-command.ts';

export function addGetLatestFromFamily(parent: Command, toAction: ToAction): void {
  parent
    .command('get-latest-from-family')
    .description('show the newest image of a family that is ready')
    .argument('[family]', 'name of the family')
    .option('--family <family>', 'name of the family')
    .action(
      toAction(async (session, command) => {
        const family = command.opts<{ family?: string }>().family ?? command.args[0];
        if (family === undefined) throw new CliFailed('name the family.');
        const request = { folderId: await findFolderId(session), family };
        const image = await session.api.call(ImageService.method.getLatestByFamily, request, session);
        await showOne(session, ImageSchema, image, imageColumns);
      }),
    );
}
