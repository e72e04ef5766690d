import type { Command } from 'commander';
import { addImageCommands } from './image/image-commands.ts';
import { addOperationCommands } from './operation/operation-commands.ts';
import type { ToAction } from './run-command.ts';
import { addUploadCommands } from './upload/upload-commands.ts';

/** Adds every command that talks to a server; images also under `compute`, where yc has them. */
export function addClientCommands(program: Command, toAction: ToAction): void {
  addImageCommands(program, toAction);
  addOperationCommands(program, toAction);
  addUploadCommands(program, toAction);
  addImageCommands(program.command('compute', { hidden: true }), toAction);
}
