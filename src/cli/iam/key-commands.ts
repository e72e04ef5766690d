import { type Command, InvalidArgumentError, Option } from 'commander';
import { Key_Algorithm, KeySchema } from '../../gen/yandex/cloud/iam/v1/key_pb.ts';
import { type CreateKeyResponse, KeyService } from '../../gen/yandex/cloud/iam/v1/key_service_pb.ts';
import { CliFailed } from '../cli-failed.ts';
import { listAll } from '../find-resources.ts';
import { finishOrShow } from '../finish-or-show.ts';
import { readFlag } from '../flags.ts';
import { showMany, showOne } from '../render.ts';
import type { ToAction } from '../run-command.ts';
import type { Session } from '../session.ts';
import { type AccountFlags, accountIdOf, addAccountFlags } from './account-flags.ts';
import { describeServer, googleKeyFile } from './google-key-file.ts';
import { keyColumns } from './iam-columns.ts';
import { keyFile, writeNewFile } from './key-file.ts';

const { method } = KeyService;
const defaultLimit = 1000;

interface CreateFlags extends AccountFlags {
  readonly output: string;
  readonly description?: string;
  readonly algorithm?: Key_Algorithm;
  readonly keyFormat: 'yandex' | 'google';
  readonly universeDomain?: string;
}

/** `iam key ...`. */
export function addKeyCommands(iam: Command, toAction: ToAction): void {
  const key = iam.command('key').description('make and delete the keys that service accounts prove themselves with');
  const add = (verb: string, description: string) =>
    key.command(verb).description(description).argument('<id>', 'id of the key');

  addAccountFlags(
    key.command('create').description('make a key pair; its private half is in the file and nowhere else'),
  )
    .requiredOption('-o, --output <file>', 'where to write the key; the file must not be there yet')
    .option('--description <text>', 'what it is for')
    .option('--algorithm <name>', 'rsa-2048 (the default) or rsa-4096', readAlgorithm)
    .addOption(
      new Option('--key-format <name>', "whose SDKs are to read the file; google's is for gcloud, too")
        .choices(['yandex', 'google'])
        .default('yandex'),
    )
    .option('--universe-domain <domain>', `the domain that google's file says is this service's`, readDomain)
    .action(
      toAction(async (session, command) => {
        const flags = command.opts<CreateFlags>();
        const { output, description = '', algorithm, ...account } = flags;
        const toText = await fileMaker(session, flags);
        const serviceAccountId = await accountIdOf(session, account);
        const keyAlgorithm = algorithm ?? Key_Algorithm.ALGORITHM_UNSPECIFIED;
        const request = { serviceAccountId, description, keyAlgorithm };
        const made = await writeNewFile(output, async () => {
          const reply = await session.api.call(method.create, request, session);
          return { text: await toText(reply), value: reply };
        });
        if (made.key !== undefined) await showOne(session, KeySchema, made.key, keyColumns);
      }),
    );

  addAccountFlags(key.command('list').description('list the keys of a service account'))
    .option('--limit <number>', 'how many at most; 0 is for all', readFlag.limit, defaultLimit)
    .action(
      toAction(async (session, command) => {
        const { limit, ...account } = command.opts<AccountFlags & { limit: number }>();
        const serviceAccountId = await accountIdOf(session, account);
        const keys = await listAll(limit, async (pageSize, pageToken) => {
          const reply = await session.api.call(method.list, { serviceAccountId, pageSize, pageToken }, session);
          return { items: reply.keys, nextPageToken: reply.nextPageToken };
        });
        await showMany(session, KeySchema, keys, keyColumns);
      }),
    );

  add('get', 'show a key').action(
    toAction(async (session, { args: [keyId = ''] }) => {
      await showOne(session, KeySchema, await session.api.call(method.get, { keyId }, session), keyColumns);
    }),
  );

  add('delete', 'delete a key, and end the tokens that were given for it').action(
    toAction(async (session, { args: [keyId = ''] }) => {
      await finishOrShow(session, await session.api.call(method.delete, { keyId }, session), {});
    }),
  );
}

/** What makes the file of a new key. What it takes besides the key is asked for as far as it can be before there is one. */
async function fileMaker(
  session: Session,
  { keyFormat, universeDomain }: CreateFlags,
): Promise<(made: CreateKeyResponse) => Promise<string>> {
  if (keyFormat === 'google') {
    const server = await describeServer(session, universeDomain);
    return (made) => googleKeyFile(session, made, server);
  }
  if (universeDomain !== undefined) throw new CliFailed('--universe-domain goes with --key-format google.');
  return async (made) => keyFile(made);
}

function readAlgorithm(text: string): Key_Algorithm {
  switch (text.toLowerCase().replace('_', '-')) {
    case 'rsa-2048':
      return Key_Algorithm.RSA_2048;
    case 'rsa-4096':
      return Key_Algorithm.RSA_4096;
    default:
      throw new InvalidArgumentError('Give rsa-2048 or rsa-4096.');
  }
}

function readDomain(text: string): string {
  const isDomain = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$/.test(text);
  if (isDomain && text !== 'googleapis.com') return text;
  throw new InvalidArgumentError("Give a domain such as obraz.internal; not the public cloud's own.");
}
