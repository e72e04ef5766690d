import { anyUnpack } from '@bufbuild/protobuf/wkt';
import type { Command } from 'commander';
import { ImageDigestSchema, ImageDigestService } from '../../gen/obraz/v1/image_digest_service_pb.ts';
import { addReference, referenceOf } from '../flags.ts';
import { followOperation } from '../follow-operation.ts';
import { findResource } from '../resource-kind.ts';
import type { ToAction } from '../run-command.ts';
import { imageKind } from './image-kind.ts';

export function addChecksum(parent: Command, toAction: ToAction): void {
  addReference(parent.command('checksum').description("print the SHA-256 of the image's raw disk"), 'image').action(
    toAction(async (session, command) => {
      const image = await findResource(session, imageKind, referenceOf(command));
      const begun = await session.api.call(ImageDigestService.method.compute, { imageId: image.id }, session);
      const { result } = await followOperation(session, begun);
      const digest = result.case === 'response' ? anyUnpack(result.value, ImageDigestSchema) : undefined;
      // As sha256sum prints it.
      if (digest !== undefined) session.terminal.out.write(`${digest.sha256}  ${image.name || image.id}\n`);
    }),
  );
}
