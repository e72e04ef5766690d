import type { Command } from 'commander';
import { type Quota, QuotaSchema, QuotaService } from '../../gen/obraz/v1/quota_service_pb.ts';
import { formatByteSize, parseByteSize } from '../byte-size.ts';
import { CliFailed } from '../cli-failed.ts';
import { findCloudId } from '../find-resources.ts';
import { addClientFlags } from '../flags.ts';
import { type Columns, showMany, showOne } from '../render.ts';
import type { ToAction } from '../run-command.ts';

/** `quota list | get | set`: what a cloud may use, and uses. */
export function addQuotaCommands(program: Command, toAction: ToAction): void {
  const quota = program.command('quota').description('see what a cloud may use and uses, and say what it may');
  addClientFlags(quota);
  quota
    .command('list')
    .description('list the quotas of a cloud')
    .action(
      toAction(async (session) => {
        const cloudId = await findCloudId(session);
        const { quotas } = await session.api.call(QuotaService.method.list, { cloudId }, session);
        await showMany(session, QuotaSchema, quotas, columns);
      }),
    );
  quota
    .command('get')
    .description('show one quota of a cloud')
    .argument('<quota>', 'its name: compute.images.count')
    .action(
      toAction(async (session, { args: [name = ''] }) => {
        const cloudId = await findCloudId(session);
        const found = await session.api.call(QuotaService.method.get, { cloudId, name }, session);
        await showOne(session, QuotaSchema, found, columns);
      }),
    );
  quota
    .command('set')
    .description('give a cloud a limit of its own')
    .argument('<quota>', 'its name: compute.images.count')
    .argument('<limit>', 'a number, a size such as 2TB for bytes, or default')
    .action(
      toAction(async (session, { args: [name = '', text = ''] }) => {
        const cloudId = await findCloudId(session);
        const limit = readLimit(name, text);
        const request = { cloudId, name, ...(limit === undefined ? {} : { limit }) };
        const changed = await session.api.call(QuotaService.method.set, request, session);
        await showOne(session, QuotaSchema, changed, columns);
      }),
    );
}

const columns: Columns<Quota> = [
  ['NAME', ({ name }) => name],
  ['USED', ({ name, usage }) => show(name, usage)],
  ['LIMIT', ({ name, limit }) => show(name, limit)],
  ['DEFAULT', ({ name, defaultLimit }) => show(name, defaultLimit)],
];

/** Quotas on bytes are those that are called so. */
function isOnBytes(name: string): boolean {
  return name.endsWith('.size');
}

function show(name: string, value: bigint): string {
  return isOnBytes(name) ? formatByteSize(Number(value)) : `${value}`;
}

/** Undefined for the default. */
function readLimit(name: string, text: string): bigint | undefined {
  if (text === 'default') return undefined;
  const limit = isOnBytes(name) ? parseByteSize(text) : /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  if (limit !== undefined) return BigInt(limit);
  throw new CliFailed(
    isOnBytes(name)
      ? `"${text}" is no size: give one such as 2TB, or default.`
      : `"${text}" is no number: give one, or default.`,
  );
}
