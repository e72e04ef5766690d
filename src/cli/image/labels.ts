import type { Command } from 'commander';
import { ImageService } from '../../gen/yandex/cloud/compute/v1/image_service_pb.ts';
import { findImage } from '../find-resources.ts';
import { finishOrShow } from '../finish-or-show.ts';
import { addImageReference, readFlag } from '../flags.ts';
import type { ToAction, Work } from '../run-command.ts';
import { referenceOf } from './get.ts';

type Labels = Readonly<Record<string, string>>;

/**
 * `add-labels` and `remove-labels`. The API replaces labels as a whole, so they are read, changed and written back:
 * a change by somebody else in between is lost, as it is with yc.
 */
export function addLabelCommands(parent: Command, toAction: ToAction): void {
  addImageReference(parent.command('add-labels').description('add labels to an image, or change them'))
    .requiredOption('--labels <key=value,...>', 'labels to add', readFlag.keyValues)
    .option('--async', 'print the operation and do not wait for it')
    .action(toAction(changeLabels<{ labels: Labels }>((present, { labels }) => ({ ...present, ...labels }))));

  addImageReference(parent.command('remove-labels').description('remove labels from an image'))
    .requiredOption('--labels <key,...>', 'keys of the labels to remove', readFlag.list)
    .option('--async', 'print the operation and do not wait for it')
    .action(toAction(changeLabels<{ labels: readonly string[] }>((present, { labels }) => without(present, labels))));
}

function changeLabels<F>(change: (present: Labels, flags: F) => Labels): Work {
  return async (session, command) => {
    const flags = command.opts<F & { async?: boolean }>();
    const { id: imageId, labels: present } = await findImage(session, referenceOf(command));
    const request = { imageId, updateMask: { paths: ['labels'] }, labels: change(present, flags) };
    const operation = await session.api.call(ImageService.method.update, request, session);
    await finishOrShow(session, operation, flags);
  };
}

function without(labels: Labels, keys: readonly string[]): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([key]) => !keys.includes(key)));
}
