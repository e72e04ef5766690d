import type { Command } from 'commander';
import { addImageCommands } from './image/image-commands.ts';
import { addOperationCommands } from './operation/operation-commands.ts';
import type { ToAction } from './run-command.ts';
import { addStoreCommands, type RebuildHere } from './store/store-commands.ts';
import { addUploadCommands } from './upload/upload-commands.ts';

/**
 * Adds every command that talks to a server; images also under `compute`, where yc has them. `rebuild` is for what works
 * without one.
 */
export function addClientCommands(program: Command, toAction: ToAction, rebuild: RebuildHere): void {
  addImageCommands(program, toAction);
  addOperationCommands(program, toAction);
  addStoreCommands(program, toAction, rebuild);
  addUploadCommands(program, toAction);
  addImageCommands(program.command('compute', { hidden: true }), toAction);
}
