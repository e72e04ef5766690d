import type { Command } from 'commander';
import { addClientFlags } from '../flags.ts';
import type { ToAction } from '../run-command.ts';
import { addChecksum } from './checksum.ts';
import { addCreate } from './create.ts';
import { addDelete } from './delete.ts';
import { addDownload } from './download.ts';
import { addGet, addGetLatestFromFamily } from './get.ts';
import { addInspect, type Inspecting } from './inspect.ts';
import { addLabelCommands } from './labels.ts';
import { addList, addListOperations } from './list.ts';
import { addUpdate } from './update.ts';

/** `image ...`, with yc's verbs and flags. */
export function addImageCommands(parent: Command, toAction: ToAction, inspecting: Inspecting): void {
  const image = parent.command('image').description('make, find, change and download images');
  addClientFlags(image);
  addCreate(image, toAction);
  addGet(image, toAction);
  addList(image, toAction);
  addGetLatestFromFamily(image, toAction);
  addUpdate(image, toAction);
  addLabelCommands(image, toAction);
  addDelete(image, toAction);
  addListOperations(image, toAction);
  addDownload(image, toAction);
  addChecksum(image, toAction);
  addInspect(image, inspecting);
}
