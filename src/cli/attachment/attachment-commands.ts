import type { Command } from 'commander';
import { type Attachment, AttachmentSchema } from '../../gen/obraz/v1/attachment_pb.ts';
import { AttachmentService } from '../../gen/obraz/v1/attachment_service_pb.ts';
import { CliFailed } from '../cli-failed.ts';
import { diskKind } from '../disk/disk-kind.ts';
import { findFolderId, listAll } from '../find-resources.ts';
import { addClientFlags, addReference, referenceOf } from '../flags.ts';
import { showMany } from '../render.ts';
import { findResource } from '../resource-kind.ts';
import type { ToAction } from '../run-command.ts';
import type { Session } from '../session.ts';
import { attachmentColumns } from './attachment-columns.ts';

/** `attachment list | delete`. */
export function addAttachmentCommands(parent: Command, toAction: ToAction): void {
  const attachment = parent.command('attachment').description('see what is attached, and detach it');
  addClientFlags(attachment);
  attachment
    .command('list')
    .description('list the attachments of a folder')
    .action(
      toAction(async (session) => {
        const items = await listAttachments(session, await findFolderId(session));
        await showMany(session, AttachmentSchema, items, attachmentColumns);
      }),
    );
  attachment
    .command('delete')
    .description('end an attachment and its connections; what was written is durable then')
    .argument('<id>', 'id of the attachment')
    .action(toAction((session, { args: [attachmentId = ''] }) => detach(session, attachmentId)));
}

/** `disk detach`: ends all attachments of a disk. */
export function addDetach(parent: Command, toAction: ToAction): void {
  addReference(parent.command('detach'), 'disk')
    .description('end all attachments of a disk; what was written is durable then')
    .action(
      toAction(async (session, command) => {
        const disk = await findResource(session, diskKind, referenceOf(command));
        const all = await listAttachments(session, disk.folderId);
        const ofDisk = all.filter(({ resource }) => resource.case === 'diskId' && resource.value === disk.id);
        if (ofDisk.length === 0) throw new CliFailed(`disk ${disk.id} is not attached.`);
        for (const { id } of ofDisk) await detach(session, id);
      }),
    );
}

async function detach(session: Session, attachmentId: string): Promise<void> {
  await session.api.call(AttachmentService.method.delete, { attachmentId }, session);
}

function listAttachments(session: Session, folderId: string): Promise<Attachment[]> {
  return listAll(0, async (pageSize, pageToken) => {
    const request = { folderId, pageSize, pageToken };
    const { attachments: items, nextPageToken } = await session.api.call(
      AttachmentService.method.list,
      request,
      session,
    );
    return { items, nextPageToken };
  });
}
