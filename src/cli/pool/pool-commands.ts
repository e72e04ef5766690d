import type { Command } from 'commander';
import {
  ListPoolResponseSchema,
  type PooledVolume,
  PooledVolume_StateSchema,
  PoolService,
} from '../../gen/obraz/v1/pool_service_pb.ts';
import { formatByteSize } from '../byte-size.ts';
import { showTime } from '../columns.ts';
import { addClientFlags } from '../flags.ts';
import { type Columns, showOne } from '../render.ts';
import type { ToAction } from '../run-command.ts';
import { layOutTable } from '../table.ts';

/** `pool list`: what is kept ready of pooled images. */
export function addPoolCommands(parent: Command, toAction: ToAction): void {
  const pool = parent.command('pool').description('see what is kept ready of pooled images');
  addClientFlags(pool);
  pool
    .command('list')
    .description('list the content of pooled images, with its size, hits and misses')
    .action(
      toAction(async (session) => {
        const found = await session.api.call(PoolService.method.list, {}, { signal: session.signal });
        if ((session.flags.format ?? 'table') !== 'table') {
          return showOne(session, ListPoolResponseSchema, found, []);
        }
        const { volumes, storedBytes, limitBytes } = found;
        const headings = columns.map(([heading]) => heading);
        const rows = volumes.map((volume) => columns.map(([, cell]) => cell(volume)));
        const { out } = session.terminal;
        out.write(layOutTable(headings, rows));
        out.write(`${formatByteSize(Number(storedBytes))} of ${formatByteSize(Number(limitBytes))}\n`);
      }),
    );
}

const columns: Columns<PooledVolume> = [
  ['VOLUME', ({ volumeId }) => volumeId],
  ['IMAGE', imagesOf],
  ['STATE', ({ state }) => PooledVolume_StateSchema.value[state]?.name ?? `${state}`],
  ['SIZE', ({ size }) => formatByteSize(Number(size))],
  ['ON DISK', ({ storedBytes }) => formatByteSize(Number(storedBytes))],
  ['HITS', ({ hits }) => `${hits}`],
  ['MISSES', ({ misses }) => `${misses}`],
  ['LAST USED', ({ lastUsedAt }) => showTime(lastUsedAt)],
  ['NODE', ({ nodeId }) => nodeId],
  ['PROBLEM', ({ problem }) => problem],
];

function imagesOf({ images: [newest, ...others] }: PooledVolume): string {
  if (newest === undefined) return '';
  const name = newest.name === '' ? newest.id : newest.name;
  return others.length === 0 ? name : `${name} and ${others.length} more`;
}
