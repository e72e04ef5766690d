import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import type { Command } from 'commander';
import { Attachment_Mode, AttachmentSchema } from '../../gen/obraz/v1/attachment_pb.ts';
import { AttachmentService } from '../../gen/obraz/v1/attachment_service_pb.ts';
import { shellWord } from '../../lib/shell-word.ts';
import { addReference, readFlag, referenceOf } from '../flags.ts';
import { showOne } from '../render.ts';
import { findResource, type Resource, type ResourceKind } from '../resource-kind.ts';
import type { ToAction } from '../run-command.ts';
import { attachmentColumns } from './attachment-columns.ts';

/** `disk attach`, `image attach`, `snapshot attach`. */
export function addAttach<D extends DescMessage, R extends Resource & MessageShape<D>>(
  parent: Command,
  toAction: ToAction,
  kind: ResourceKind<D, R>,
): void {
  const { noun } = kind;
  const command = addReference(parent.command('attach'), noun)
    .description(`use ${noun === 'image' ? 'an image' : `a ${noun}`} as a block device, over NBD`)
    .option('--ttl <time>', 'within which it must be used first: 30s, 10m (the default), 2h', readFlag.time);
  if (noun === 'disk') command.option('--read-only', 'do not write');
  command.action(
    toAction(async (session, command) => {
      const flags = command.opts<{ ttl?: number; readOnly?: boolean }>();
      const { id } = await findResource(session, kind, referenceOf(command));
      const attachment = await session.api.call(
        AttachmentService.method.create,
        {
          resource: { case: `${noun}Id`, value: id },
          mode: flags.readOnly === true ? Attachment_Mode.READ_ONLY : Attachment_Mode.MODE_UNSPECIFIED,
          ...(flags.ttl === undefined ? {} : { ttl: durationFromMs(flags.ttl) }),
        },
        session,
      );
      await showOne(session, AttachmentSchema, attachment, attachmentColumns);
      session.terminal.err.write(`\n${qemuCommand(attachment.uri, attachment.mode)}\n`);
    }),
  );
}

/** A command that works as it stands. Raw: the device has the guest's bytes, whatever they look like. */
function qemuCommand(uri: string, mode: Attachment_Mode): string {
  const drive = ['format=raw', 'if=virtio', 'discard=unmap', `file=${uri}`];
  if (mode === Attachment_Mode.READ_ONLY) drive.unshift('readonly=on');
  return `qemu-system-x86_64 -m 2G -drive ${shellWord(drive.join(','))}`;
}
