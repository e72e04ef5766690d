import type { Command } from 'commander';

/** Works on the metadata of this machine, without a server; sets the process's exit code. */
export interface BackupsHere {
  backUp(file: string, flags: { readonly data?: string }): Promise<void>;
  restore(file: string, flags: { readonly data?: string }): Promise<void>;
}

interface DataFlags {
  readonly data?: string;
}

/** `backup` and `restore`: a copy of the metadata, which with the packs is everything that images are. */
export function addBackupCommands(parent: Command, { backUp, restore }: BackupsHere): void {
  const data = ['--data <dir>', 'the data directory (OBRAZ_DATA, default ./.obraz)'] as const;
  const backup = parent
    .command('backup')
    .description('copy the metadata into a file, while the service runs or not')
    .argument('<file>', 'a file that is not there yet')
    .option(...data);
  backup.action((file: string) => backUp(file, backup.optsWithGlobals<DataFlags>()));
  const restored = parent
    .command('restore')
    .description('put a backup in the place of the metadata; the service must not run')
    .argument('<file>', 'what "obraz backup" made')
    .option(...data);
  restored.action((file: string) => restore(file, restored.optsWithGlobals<DataFlags>()));
}
