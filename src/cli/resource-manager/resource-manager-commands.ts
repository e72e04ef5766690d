import type { DescMessage } from '@bufbuild/protobuf';
import type { Command } from 'commander';
import { OperationSchema } from '../../gen/yandex/cloud/operation/operation_pb.ts';
import { CloudService } from '../../gen/yandex/cloud/resourcemanager/v1/cloud_service_pb.ts';
import { FolderService } from '../../gen/yandex/cloud/resourcemanager/v1/folder_service_pb.ts';
import { addAccessBindingCommands } from '../bindings/access-binding-commands.ts';
import { CliFailed } from '../cli-failed.ts';
import { operationColumns } from '../columns.ts';
import { listAll } from '../find-resources.ts';
import { finishOrShow } from '../finish-or-show.ts';
import { addClientFlags, addReference, readFlag, referenceOf } from '../flags.ts';
import { showMany, showOne } from '../render.ts';
import type { ToAction } from '../run-command.ts';
import { cloudKind, findPlace, folderKind, type PlaceKind } from './place-kind.ts';

const defaultLimit = 1000;

/** `resource-manager cloud ...` and `resource-manager folder ...`, with yc's verbs and flags. */
export function addResourceManagerCommands(program: Command, toAction: ToAction): void {
  const parent = program
    .command('resource-manager')
    .description('make clouds and folders, change them, and say who may do what in them');
  addClientFlags(parent);
  const cloud = addPlaceCommands(parent, toAction, cloudKind);
  addAccessBindingCommands(cloud, toAction, {
    noun: 'cloud',
    method: CloudService.method,
    find: (session, reference) => findPlace(session, cloudKind, reference),
  });
  const folder = addPlaceCommands(parent, toAction, folderKind);
  addAccessBindingCommands(folder, toAction, {
    noun: 'folder',
    method: FolderService.method,
    find: (session, reference) => findPlace(session, folderKind, reference),
  });
}

interface ChangeFlags {
  readonly name?: string;
  readonly newName?: string;
  readonly description?: string;
  readonly labels?: Record<string, string>;
  readonly organizationId?: string;
  readonly async?: boolean;
}

function addPlaceCommands<D extends DescMessage>(manager: Command, toAction: ToAction, kind: PlaceKind<D>): Command {
  const { noun, schema, columns } = kind;
  const parent = manager.command(noun).description(`make ${noun}s, find and change them`);
  const add = (verb: string, description: string) =>
    addReference(parent.command(verb).description(`${description} a ${noun}`), noun);

  parent
    .command('list')
    .description(`list the ${noun}s that you may see`)
    .option('--limit <number>', 'how many at most; 0 is for all', readFlag.limit, defaultLimit)
    .option('--filter <expression>', `only those that fit: 'name = "work"'`)
    .action(
      toAction(async (session, command) => {
        const { limit, filter = '' } = command.opts<{ limit: number; filter?: string }>();
        const items = await listAll(limit, (pageSize, pageToken) =>
          kind.list(session, { pageSize, pageToken, filter }),
        );
        await showMany(session, schema, items, columns);
      }),
    );

  add('get', 'show').action(
    toAction(async (session, command) => {
      await showOne(session, schema, await findPlace(session, kind, referenceOf(command)), columns);
    }),
  );

  const create = addFields(parent.command('create').description(`make a ${noun}`).argument('[name]', 'its name'));
  create.option('--name <name>', 'its name');
  if (noun === 'cloud') create.option('--organization-id <id>', 'an organization, to be shown; there are none here');
  create.action(
    toAction(async (session, command) => {
      const flags = command.opts<ChangeFlags>();
      const { description = '', labels = {}, organizationId = '' } = flags;
      const name = flags.name ?? command.args[0];
      if (name === undefined) throw new CliFailed('say what to call it: --name.');
      await finishOrShow(session, await kind.create(session, { name, description, labels }, organizationId), flags);
    }),
  );

  addFields(add('update', 'change').option('--new-name <name>', 'new name')).action(
    toAction(async (session, command) => {
      const flags = command.opts<ChangeFlags>();
      const { newName, description, labels } = flags;
      const fields = Object.entries({ name: newName, description, labels });
      const paths = fields.filter(([, value]) => value !== undefined).map(([path]) => path);
      if (paths.length === 0) throw new CliFailed('say what to change: --new-name, --description, --labels.');
      const { id } = await findPlace(session, kind, referenceOf(command));
      const changes = { name: newName ?? '', description: description ?? '', labels: labels ?? {} };
      await finishOrShow(session, await kind.update(session, id, paths, changes), flags);
    }),
  );

  add('delete', 'delete')
    .option('--async', 'print the operation and do not wait for it')
    .action(
      toAction(async (session, command) => {
        const { id } = await findPlace(session, kind, referenceOf(command));
        await finishOrShow(session, await kind.delete(session, id), command.opts<ChangeFlags>());
      }),
    );

  add('list-operations', 'list what was done to')
    .option('--limit <number>', 'how many at most; 0 is for all', readFlag.limit, defaultLimit)
    .action(
      toAction(async (session, command) => {
        const { limit } = command.opts<{ limit: number }>();
        const { id } = await findPlace(session, kind, referenceOf(command));
        const operations = await listAll(limit, (pageSize, pageToken) =>
          kind.listOperations(session, id, { pageSize, pageToken }),
        );
        await showMany(session, OperationSchema, operations, operationColumns);
      }),
    );
  return parent;
}

function addFields(command: Command): Command {
  return command
    .option('--description <text>', 'what it is for')
    .option('--labels <key=value,...>', 'its labels, instead of all that it has', readFlag.keyValues)
    .option('--async', 'print the operation and do not wait for it');
}
