import type { Command } from 'commander';
import { AccessKeySchema } from '../../gen/yandex/cloud/iam/v1/awscompatibility/access_key_pb.ts';
import {
  AccessKeyService,
  CreateAccessKeyResponseSchema,
} from '../../gen/yandex/cloud/iam/v1/awscompatibility/access_key_service_pb.ts';
import { listAll } from '../find-resources.ts';
import { finishOrShow } from '../finish-or-show.ts';
import { readFlag } from '../flags.ts';
import { showMany, showOne } from '../render.ts';
import type { ToAction } from '../run-command.ts';
import { type AccountFlags, accountIdOf, addAccountFlags } from './account-flags.ts';
import { accessKeyColumns, newAccessKeyColumns } from './iam-columns.ts';

const { method } = AccessKeyService;
const defaultLimit = 1000;

/** `iam access-key ...`. */
export function addAccessKeyCommands(iam: Command, toAction: ToAction): void {
  const key = iam
    .command('access-key')
    .description('make and delete the keys that clients of S3 send files to buckets with');
  const add = (verb: string, description: string) =>
    key.command(verb).description(description).argument('<id>', 'id of the key, as list shows it');

  addAccountFlags(key.command('create').description('make a key; its secret is shown this once'))
    .option('--description <text>', 'what it is for')
    .action(
      toAction(async (session, command) => {
        const { description = '', ...account } = command.opts<AccountFlags & { description?: string }>();
        const serviceAccountId = await accountIdOf(session, account);
        const made = await session.api.call(method.create, { serviceAccountId, description }, session);
        await showOne(session, CreateAccessKeyResponseSchema, made, newAccessKeyColumns);
      }),
    );

  addAccountFlags(key.command('list').description('list the access keys of a service account'))
    .option('--limit <number>', 'how many at most; 0 is for all', readFlag.limit, defaultLimit)
    .action(
      toAction(async (session, command) => {
        const { limit, ...account } = command.opts<AccountFlags & { limit: number }>();
        const serviceAccountId = await accountIdOf(session, account);
        const keys = await listAll(limit, async (pageSize, pageToken) => {
          const reply = await session.api.call(method.list, { serviceAccountId, pageSize, pageToken }, session);
          return { items: reply.accessKeys, nextPageToken: reply.nextPageToken };
        });
        await showMany(session, AccessKeySchema, keys, accessKeyColumns);
      }),
    );

  add('get', 'show a key').action(
    toAction(async (session, { args: [accessKeyId = ''] }) => {
      const found = await session.api.call(method.get, { accessKeyId }, session);
      await showOne(session, AccessKeySchema, found, accessKeyColumns);
    }),
  );

  add('delete', 'delete a key: what it signed is refused').action(
    toAction(async (session, { args: [accessKeyId = ''] }) => {
      await finishOrShow(session, await session.api.call(method.delete, { accessKeyId }, session), {});
    }),
  );
}
