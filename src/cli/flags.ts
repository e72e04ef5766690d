import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseByteSize } from './byte-size.ts';
import { parseKeyValues, parseList } from './key-values.ts';
import { outputFormats } from './output-format.ts';
import type { ResourceReference } from './resource-kind.ts';

/** Adds the flags of every client command; they may stand anywhere. */
export function addClientFlags(command: Command): void {
  command
    .option('--data <dir>', 'data directory of a server on this machine (OBRAZ_DATA, default ./.obraz)')
    .option('--endpoint <host:port>', 'server to talk to (OBRAZ_ENDPOINT)')
    .option('--ca <file>', "PEM file with the server's CA (OBRAZ_CA)")
    .option('--token <token>', 'bearer token; better in OBRAZ_TOKEN, where other users cannot see it')
    .option(
      '--service-account-key-file <file>',
      "a service account's key, instead of a token (OBRAZ_SERVICE_ACCOUNT_KEY_FILE)",
    )
    .option('--impersonate-service-account-id <id>', 'work as another service account, by its id')
    .option('--folder-id <id>', 'folder to work in (OBRAZ_FOLDER_ID)')
    .option('--folder-name <name>', 'folder to work in, by name (default: default)')
    .option('--cloud-id <id>', 'cloud of the folder, when there are several')
    .addOption(
      new Option('--format <format>', 'how to print: table, yaml, json (names as in yc), json-rest').choices(
        outputFormats,
      ),
    );
}

/** Adds `[image]`, --id and --name, or the same for another noun: the ways to name one thing. */
export function addReference(command: Command, noun: string): Command {
  return command
    .argument(`[${noun}]`, 'name or id')
    .option('--id <id>', `id of the ${noun}`)
    .option('--name <name>', `name of the ${noun}`);
}

/** The thing that a command's argument and flags name. */
export function referenceOf(command: Command): ResourceReference {
  return { nameOrId: command.args[0], ...command.opts<{ id?: string; name?: string }>() };
}

/** Readers of flag values for commander, which shows their complaints with the flag's name. */
export const readFlag = {
  byteSize(text: string): number {
    const size = parseByteSize(text);
    if (size === undefined) {
      throw new InvalidArgumentError('Give a size such as 10GB, 512MB or 4194304B; a plain number is in GB.');
    }
    return size;
  },
  keyValues(text: string, before: Readonly<Record<string, string>> | undefined): Record<string, string> {
    const pairs = parseKeyValues(text);
    if (pairs === undefined) throw new InvalidArgumentError('Give KEY=VALUE pairs with commas between them.');
    return { ...before, ...pairs };
  },
  time(text: string): number {
    const [, count, unit = ''] = /^(\d{1,9})([smh])$/.exec(text) ?? [];
    const seconds = { s: 1, m: 60, h: 3600 }[unit];
    if (count === undefined || seconds === undefined)
      throw new InvalidArgumentError('Give a time such as 30s, 10m or 2h.');
    return Number(count) * seconds * 1000;
  },
  list(text: string, before: readonly string[] | undefined): string[] {
    return [...(before ?? []), ...parseList(text)];
  },
  limit(text: string): number {
    if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Give a number; 0 is for all.');
    return Number(text);
  },
};
