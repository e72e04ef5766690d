import type { Command } from 'commander';
import { ImageSchema } from '../../gen/yandex/cloud/compute/v1/image_pb.ts';
import { ImageService } from '../../gen/yandex/cloud/compute/v1/image_service_pb.ts';
import { OperationSchema } from '../../gen/yandex/cloud/operation/operation_pb.ts';
import { imageColumns, operationColumns } from '../columns.ts';
import { findFolderId, findImage, listAll } from '../find-resources.ts';
import { addImageReference, readFlag } from '../flags.ts';
import { showMany } from '../render.ts';
import type { ToAction } from '../run-command.ts';
import { referenceOf } from './get.ts';

const defaultLimit = 1000;

export function addList(parent: Command, toAction: ToAction): void {
  parent
    .command('list')
    .description('list the images of a folder')
    .option('--limit <number>', 'how many at most; 0 is for all', readFlag.limit, defaultLimit)
    .option('--filter <expression>', `only those that fit, for example 'family = "debian" AND status = READY'`)
    .option('--order-by <field>', "id, name or createdAt, and ' desc' behind it for the other direction")
    .action(
      toAction(async (session, command) => {
        const {
          limit,
          filter = '',
          orderBy = '',
        } = command.opts<{ limit: number; filter?: string; orderBy?: string }>();
        const folderId = await findFolderId(session);
        const images = await listAll(limit, async (pageSize, pageToken) => {
          const request = { folderId, pageSize, pageToken, filter, orderBy };
          const { images: items, nextPageToken } = await session.api.call(ImageService.method.list, request, session);
          return { items, nextPageToken };
        });
        await showMany(session, ImageSchema, images, imageColumns);
      }),
    );
}

export function addListOperations(parent: Command, toAction: ToAction): void {
  addImageReference(parent.command('list-operations').description('list what was done to an image'))
    .option('--limit <number>', 'how many at most; 0 is for all', readFlag.limit, defaultLimit)
    .action(
      toAction(async (session, command) => {
        const { limit } = command.opts<{ limit: number }>();
        const { id: imageId } = await findImage(session, referenceOf(command));
        const operations = await listAll(limit, async (pageSize, pageToken) => {
          const request = { imageId, pageSize, pageToken };
          const response = await session.api.call(ImageService.method.listOperations, request, session);
          return { items: response.operations, nextPageToken: response.nextPageToken };
        });
        await showMany(session, OperationSchema, operations, operationColumns);
      }),
    );
}
