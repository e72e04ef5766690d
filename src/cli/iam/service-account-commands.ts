import type { Command } from 'commander';
import { ServiceAccountSchema } from '../../gen/yandex/cloud/iam/v1/service_account_pb.ts';
import { ServiceAccountService } from '../../gen/yandex/cloud/iam/v1/service_account_service_pb.ts';
import { OperationSchema } from '../../gen/yandex/cloud/operation/operation_pb.ts';
import { CliFailed } from '../cli-failed.ts';
import { operationColumns } from '../columns.ts';
import { findFolderId, listAll } from '../find-resources.ts';
import { finishOrShow } from '../finish-or-show.ts';
import { addReference, readFlag, referenceOf } from '../flags.ts';
import { showMany, showOne } from '../render.ts';
import { findResource } from '../resource-kind.ts';
import type { ToAction } from '../run-command.ts';
import type { Session } from '../session.ts';
import { serviceAccountColumns } from './iam-columns.ts';
import { serviceAccountKind } from './service-account-kind.ts';

const { method } = ServiceAccountService;
const defaultLimit = 1000;

interface CreateFlags {
  readonly name?: string;
  readonly description?: string;
  readonly labels?: Record<string, string>;
  readonly async?: boolean;
}

interface UpdateFlags extends Omit<CreateFlags, 'name'> {
  readonly newName?: string;
}

/** `iam service-account ...`. */
export function addServiceAccountCommands(iam: Command, toAction: ToAction): void {
  const parent = iam.command('service-account').description('make accounts that programs act as, and change them');
  const add = (verb: string, description: string) =>
    addReference(parent.command(verb).description(description), 'service-account');
  const find = (session: Session, command: Command) => findResource(session, serviceAccountKind, referenceOf(command));
  const addCommon = (command: Command) =>
    command
      .option('--description <text>', 'what it is for')
      .option('--labels <key=value,...>', 'its labels, instead of all that it has', readFlag.keyValues)
      .option('--async', 'print the operation and do not wait for it');

  addCommon(parent.command('create').description('make a service account').argument('[name]', 'its name'))
    .option('--name <name>', 'its name')
    .action(
      toAction(async (session, command) => {
        const flags = command.opts<CreateFlags>();
        const { description = '', labels = {} } = flags;
        const name = flags.name ?? command.args[0];
        if (name === undefined) throw new CliFailed('say what to call it: --name.');
        const request = { folderId: await findFolderId(session), name, description, labels };
        await finishOrShow(session, await session.api.call(method.create, request, session), flags);
      }),
    );

  add('get', 'show a service account').action(
    toAction(async (session, command) => {
      await showOne(session, ServiceAccountSchema, await find(session, command), serviceAccountColumns);
    }),
  );

  parent
    .command('list')
    .description('list the service accounts of a folder')
    .option('--limit <number>', 'how many at most; 0 is for all', readFlag.limit, defaultLimit)
    .option('--filter <expression>', `only those that fit: 'name = "ci"'`)
    .action(
      toAction(async (session, command) => {
        const { limit, filter = '' } = command.opts<{ limit: number; filter?: string }>();
        const folderId = await findFolderId(session);
        const items = await listAll(limit, (pageSize, pageToken) =>
          serviceAccountKind.list(session, { folderId, pageSize, pageToken, filter, orderBy: '' }),
        );
        await showMany(session, ServiceAccountSchema, items, serviceAccountColumns);
      }),
    );

  addCommon(add('update', 'change a service account'))
    .option('--new-name <name>', 'new name')
    .action(
      toAction(async (session, command) => {
        const flags = command.opts<UpdateFlags>();
        const { newName, description, labels } = flags;
        const fields = Object.entries({ name: newName, description, labels });
        const paths = fields.filter(([, value]) => value !== undefined).map(([path]) => path);
        if (paths.length === 0) throw new CliFailed('say what to change: --new-name, --description, --labels.');
        const { id: serviceAccountId } = await find(session, command);
        const changes = { name: newName ?? '', description: description ?? '', labels: labels ?? {} };
        const request = { serviceAccountId, updateMask: { paths }, ...changes };
        await finishOrShow(session, await session.api.call(method.update, request, session), flags);
      }),
    );

  add('delete', 'delete a service account with its keys, and end its tokens')
    .option('--async', 'print the operation and do not wait for it')
    .action(
      toAction(async (session, command) => {
        const { id: serviceAccountId } = await find(session, command);
        const operation = await session.api.call(method.delete, { serviceAccountId }, session);
        await finishOrShow(session, operation, command.opts<{ async?: boolean }>());
      }),
    );

  add('list-operations', 'list what was done to a service account')
    .option('--limit <number>', 'how many at most; 0 is for all', readFlag.limit, defaultLimit)
    .action(
      toAction(async (session, command) => {
        const { limit } = command.opts<{ limit: number }>();
        const { id: serviceAccountId } = await find(session, command);
        const operations = await listAll(limit, async (pageSize, pageToken) => {
          const request = { serviceAccountId, pageSize, pageToken };
          const reply = await session.api.call(method.listOperations, request, session);
          return { items: reply.operations, nextPageToken: reply.nextPageToken };
        });
        await showMany(session, OperationSchema, operations, operationColumns);
      }),
    );
}
