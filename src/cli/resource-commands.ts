import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import type { Command } from 'commander';
import { OperationSchema } from '../gen/yandex/cloud/operation/operation_pb.ts';
import { operationColumns } from './columns.ts';
import { findFolderId, listAll } from './find-resources.ts';
import { finishOrShow } from './finish-or-show.ts';
import { addReference, readFlag, referenceOf } from './flags.ts';
import { showMany, showOne } from './render.ts';
import { findResource, type Resource, type ResourceKind } from './resource-kind.ts';
import type { ToAction, Work } from './run-command.ts';

/** The verbs that images, disks and snapshots share, each with yc's flags. */
export interface ResourceCommands {
  addGet(): void;
  addList(): void;
  addLabels(): void;
  addDelete(): void;
  addListOperations(): void;
}

type Labels = Readonly<Record<string, string>>;

const defaultLimit = 1000;

export function resourceCommands<D extends DescMessage, R extends Resource & MessageShape<D>>(
  parent: Command,
  toAction: ToAction,
  kind: ResourceKind<D, R>,
): ResourceCommands {
  const { noun, schema, columns } = kind;
  const one = noun === 'image' ? 'an image' : `a ${noun}`;
  const add = (verb: string, description: string): Command =>
    addReference(parent.command(verb).description(description), noun);

  /**
   * The API replaces labels as a whole, so they are read, changed and written back: a change by somebody else in between
   * is lost, as it is with yc.
   */
  const changeLabels =
    <F>(change: (present: Labels, flags: F) => Record<string, string>): Work =>
    async (session, command) => {
      const flags = command.opts<F & { async?: boolean }>();
      const { id, labels: present } = await findResource(session, kind, referenceOf(command));
      await finishOrShow(session, await kind.setLabels(session, id, change(present, flags)), flags);
    };

  return {
    addGet() {
      add('get', `show ${one}`).action(
        toAction(async (session, command) => {
          await showOne(session, schema, await findResource(session, kind, referenceOf(command)), columns);
        }),
      );
    },

    addList() {
      parent
        .command('list')
        .description(`list the ${noun}s of a folder`)
        .option('--limit <number>', 'how many at most; 0 is for all', readFlag.limit, defaultLimit)
        .option('--filter <expression>', `only those that fit, for example 'name IN (a, b) AND status = READY'`)
        .option('--order-by <field>', "id, name or createdAt, and ' desc' behind it for the other direction")
        .action(
          toAction(async (session, command) => {
            const flags = command.opts<{ limit: number; filter?: string; orderBy?: string }>();
            const { limit, filter = '', orderBy = '' } = flags;
            const folderId = await findFolderId(session);
            const items = await listAll(limit, (pageSize, pageToken) =>
              kind.list(session, { folderId, pageSize, pageToken, filter, orderBy }),
            );
            await showMany(session, schema, items, columns);
          }),
        );
    },

    addLabels() {
      add('add-labels', `add labels to ${one}, or change them`)
        .requiredOption('--labels <key=value,...>', 'labels to add', readFlag.keyValues)
        .option('--async', 'print the operation and do not wait for it')
        .action(toAction(changeLabels<{ labels: Labels }>((present, { labels }) => ({ ...present, ...labels }))));

      add('remove-labels', `remove labels from ${one}`)
        .requiredOption('--labels <key,...>', 'keys of the labels to remove', readFlag.list)
        .option('--async', 'print the operation and do not wait for it')
        .action(
          toAction(changeLabels<{ labels: readonly string[] }>((present, { labels }) => without(present, labels))),
        );
    },

    addDelete() {
      add('delete', `delete ${one}`)
        .option('--async', 'print the operation and do not wait for it')
        .action(
          toAction(async (session, command) => {
            const { id } = await findResource(session, kind, referenceOf(command));
            await finishOrShow(session, await kind.delete(session, id), command.opts<{ async?: boolean }>());
          }),
        );
    },

    addListOperations() {
      add('list-operations', `list what was done to ${one}`)
        .option('--limit <number>', 'how many at most; 0 is for all', readFlag.limit, defaultLimit)
        .action(
          toAction(async (session, command) => {
            const { limit } = command.opts<{ limit: number }>();
            const { id } = await findResource(session, kind, referenceOf(command));
            const operations = await listAll(limit, (pageSize, pageToken) =>
              kind.listOperations(session, id, { pageSize, pageToken }),
            );
            await showMany(session, OperationSchema, operations, operationColumns);
          }),
        );
    },
  };
}

function without(labels: Labels, keys: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).filter(([key]) => !keys.includes(key)));
}
