import type { Command } from 'commander';
import { type Inspection, Inspection_Verdict, InspectionSchema } from '../../gen/obraz/v1/inspection_pb.ts';
import { CliFailed } from '../cli-failed.ts';
import { createProgressDisplay } from '../progress-display.ts';
import { createRateMeter } from '../rate-meter.ts';
import { showOne } from '../render.ts';
import type { ClientFlags } from '../session.ts';
import type { Terminal } from '../terminal.ts';

/** Looks at a file on this machine, without a server. Throws the file system's failures. */
export type InspectHere = (
  path: string,
  options: {
    readonly quick: boolean;
    readonly signal: AbortSignal;
    readonly onProgress: (phase: string, doneBytes: number, totalBytes: number) => void;
  },
) => Promise<Inspection>;

export interface Inspecting {
  readonly inspect: InspectHere;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

/** `image inspect FILE`: exits with 1 when no image can be made of the file. */
export function addInspect(parent: Command, { inspect, terminal, signal }: Inspecting): void {
  const command = parent
    .command('inspect')
    .description('say what an import would do with a file, without a server: what it is, or why it is refused')
    .argument('<file>', 'disk file, packed or not')
    .option('--quick', 'look at headers and tables only, and compute no digests');
  command.action(async (path: string) => {
    const flags = command.optsWithGlobals<ClientFlags & { readonly quick?: boolean }>();
    const found = await inspectWithProgress(path, flags.quick === true);
    await showOne({ flags, terminal }, InspectionSchema, found, []);
    if (found.verdict === Inspection_Verdict.IMPORTABLE) return;
    const { check = '', reason = '', remedy = '' } = found.refusal ?? {};
    throw new CliFailed(`${path} is refused (${check}): ${[reason, remedy].join(' ').trim()}`);
  });

  async function inspectWithProgress(path: string, quick: boolean): Promise<Inspection> {
    using display = createProgressDisplay(terminal);
    let now = { phase: '', doneBytes: 0, rate: createRateMeter() };
    const onProgress = (phase: string, doneBytes: number, totalBytes: number) => {
      if (phase !== now.phase) now = { phase, doneBytes: 0, rate: createRateMeter() };
      now.rate.add(doneBytes - now.doneBytes);
      now.doneBytes = doneBytes;
      display.show({ phase, doneBytes, totalBytes, bytesPerSecond: now.rate.bytesPerSecond() });
    };
    return await inspect(path, { quick, signal, onProgress });
  }
}
