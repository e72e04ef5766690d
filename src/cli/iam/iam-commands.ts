import type { Command } from 'commander';
import { addClientFlags } from '../flags.ts';
import type { ToAction } from '../run-command.ts';
import { addAccessKeyCommands } from './access-key-commands.ts';
import { addKeyCommands } from './key-commands.ts';
import { addServiceAccountCommands } from './service-account-commands.ts';
import { addTokenCommands } from './token-commands.ts';
import { addUserAccountCommands } from './user-account-commands.ts';

/** `iam ...`, with yc's verbs and flags. */
export function addIamCommands(program: Command, toAction: ToAction): void {
  const iam = program.command('iam').description('say who may come in, and how they prove it');
  addClientFlags(iam);
  addServiceAccountCommands(iam, toAction);
  addKeyCommands(iam, toAction);
  addAccessKeyCommands(iam, toAction);
  addUserAccountCommands(iam, toAction);
  addTokenCommands(iam, toAction);
}
