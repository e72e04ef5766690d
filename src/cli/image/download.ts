import type { Command } from 'commander';
import { CliFailed } from '../cli-failed.ts';
import { findResource } from '../resource-kind.ts';
import type { ToAction } from '../run-command.ts';
import { imageKind } from './image-kind.ts';

export function addDownload(parent: Command, toAction: ToAction): void {
  parent
    .command('download')
    .description("write an image's bytes to a sparse raw file; goes on where an earlier try ended")
    .argument('<image>', 'name or id')
    .argument('<file>', 'file to write')
    .option('--force', 'replace the file if it is there')
    .action(
      toAction(async (session, command) => {
        const [image = '', target = ''] = command.args;
        if (target === '-') throw new CliFailed('a sparse file cannot be written to a pipe: name a file.');
        const { id: imageId } = await findResource(session, imageKind, { nameOrId: image });
        const force = command.opts<{ force?: boolean }>().force ?? false;
        // Its HTTP client takes 50 ms to load, which the other commands need not wait for.
        const { downloadImage } = await import('../download/download.ts');
        await downloadImage({ ...session, imageId, target, force });
        session.terminal.err.write(`${target} is complete\n`);
      }),
    );
}
