import type { Command } from 'commander';
import { type Upload, UploadSchema } from '../../gen/obraz/v1/upload_pb.ts';
import { UploadService } from '../../gen/obraz/v1/upload_service_pb.ts';
import { formatByteSize } from '../byte-size.ts';
import { showTime } from '../columns.ts';
import { findFolderId } from '../find-resources.ts';
import { addClientFlags } from '../flags.ts';
import { type Columns, showMany, showOne } from '../render.ts';
import type { ToAction } from '../run-command.ts';

const uploadColumns: Columns<Upload> = [
  ['ID', (upload) => upload.id],
  ['FILE', (upload) => upload.filename],
  ['ARRIVED', ({ offset, length }) => `${formatByteSize(Number(offset))} / ${formatByteSize(Number(length))}`],
  ['USED BY', (upload) => upload.operationId],
  ['EXPIRES', (upload) => showTime(upload.expiresAt)],
];

/** `upload list | get | delete`: files that were begun with `image create --file`, or by any other tus client. */
export function addUploadCommands(parent: Command, toAction: ToAction): void {
  const upload = parent.command('upload').description('look at files that were uploaded and are no image yet');
  addClientFlags(upload);
  upload
    .command('list')
    .description('list your uploads, oldest first')
    .action(
      toAction(async (session) => {
        const folderId = await findFolderId(session);
        const { uploads } = await session.api.call(UploadService.method.list, { folderId }, session);
        await showMany(session, UploadSchema, uploads, uploadColumns);
      }),
    );
  upload
    .command('get')
    .description('show an upload')
    .argument('<id>', 'id of the upload')
    .action(
      toAction(async (session, { args: [uploadId = ''] }) => {
        const found = await session.api.call(UploadService.method.get, { uploadId }, session);
        await showOne(session, UploadSchema, found, uploadColumns);
      }),
    );
  upload
    .command('delete')
    .description('delete an upload and what has arrived of it')
    .argument('<id>', 'id of the upload')
    .action(
      toAction(async (session, { args: [uploadId = ''] }) => {
        await session.api.call(UploadService.method.delete, { uploadId }, session);
      }),
    );
}
