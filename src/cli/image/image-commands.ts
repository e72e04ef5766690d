import type { Command } from 'commander';
import { ImageService } from '../../gen/yandex/cloud/compute/v1/image_service_pb.ts';
import { addAttach } from '../attachment/attach.ts';
import { addAccessBindingCommands } from '../bindings/access-binding-commands.ts';
import { addClientFlags } from '../flags.ts';
import { resourceCommands } from '../resource-commands.ts';
import { findResource } from '../resource-kind.ts';
import type { ToAction } from '../run-command.ts';
import { addSync } from '../sync/sync.ts';
import { addChecksum } from './checksum.ts';
import { addCreate } from './create.ts';
import { addDownload } from './download.ts';
import { addGetLatestFromFamily } from './get-latest-from-family.ts';
import { imageKind } from './image-kind.ts';
import { addInspect, type Inspecting } from './inspect.ts';
import { addUpdate } from './update.ts';

/** `image ...`, with yc's verbs and flags. */
export function addImageCommands(parent: Command, toAction: ToAction, inspecting: Inspecting): void {
  const image = parent.command('image').description('make, find, change and download images');
  addClientFlags(image);
  const common = resourceCommands(image, toAction, imageKind);
  addCreate(image, toAction);
  common.addGet();
  common.addList();
  addGetLatestFromFamily(image, toAction);
  addUpdate(image, toAction);
  common.addLabels();
  addAttach(image, toAction, imageKind);
  common.addDelete();
  common.addListOperations();
  addAccessBindingCommands(image, toAction, {
    noun: 'image',
    method: ImageService.method,
    find: (session, reference) => findResource(session, imageKind, reference),
  });
  addDownload(image, toAction);
  addChecksum(image, toAction);
  addInspect(image, inspecting);
  addSync(image, toAction);
}
