import type { Command } from 'commander';
import { addImageCommands } from './image/image-commands.ts';
import type { Inspecting } from './image/inspect.ts';
import { addOperationCommands } from './operation/operation-commands.ts';
import type { ToAction } from './run-command.ts';
import { addStoreCommands, type RebuildHere } from './store/store-commands.ts';
import { addUploadCommands } from './upload/upload-commands.ts';

/** What works on this machine, without a server. */
export interface LocalWork {
  readonly rebuild: RebuildHere;
  readonly inspecting: Inspecting;
}

/** Adds every command that talks to a server, and those beside them that need none; images also under `compute`, as in yc. */
export function addClientCommands(program: Command, toAction: ToAction, { rebuild, inspecting }: LocalWork): void {
  addImageCommands(program, toAction, inspecting);
  addOperationCommands(program, toAction);
  addStoreCommands(program, toAction, rebuild);
  addUploadCommands(program, toAction);
  addImageCommands(program.command('compute', { hidden: true }), toAction, inspecting);
}
