import type { Command } from 'commander';
import { findResource } from '../resource-kind.ts';
import type { Session } from '../session.ts';
import { serviceAccountKind } from './service-account-kind.ts';

/** Whose keys a command is about. */
export interface AccountFlags {
  readonly serviceAccountId?: string;
  readonly serviceAccountName?: string;
}

export function addAccountFlags(command: Command): Command {
  return command
    .option('--service-account-id <id>', 'whose; without it your own')
    .option('--service-account-name <name>', 'whose, by name');
}

/** '' leaves it to the server: the caller's own. */
export async function accountIdOf(
  session: Session,
  { serviceAccountId: id, serviceAccountName: name }: AccountFlags,
): Promise<string> {
  if (name === undefined) return id ?? '';
  return (await findResource(session, serviceAccountKind, { id, name })).id;
}
