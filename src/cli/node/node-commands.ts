import type { Command } from 'commander';
import {
  ListNodesResponseSchema,
  type Node,
  NodeService,
  RemoveNodeResponseSchema,
} from '../../gen/obraz/v1/node_service_pb.ts';
import { showTime } from '../columns.ts';
import { addClientFlags } from '../flags.ts';
import { type Columns, showOne } from '../render.ts';
import type { ToAction } from '../run-command.ts';
import { layOutTable } from '../table.ts';

/** `node list` and `node remove`: the processes of an installation that has several. */
export function addNodeCommands(parent: Command, toAction: ToAction): void {
  const node = parent
    .command('node')
    .description('see the processes of the installation, and give up one that is lost');
  addClientFlags(node);
  node
    .command('list')
    .description('list the processes, with the disks that only they have')
    .action(
      toAction(async (session) => {
        const found = await session.api.call(NodeService.method.list, {}, { signal: session.signal });
        if ((session.flags.format ?? 'table') !== 'table') return showOne(session, ListNodesResponseSchema, found, []);
        const headings = columns.map(([heading]) => heading);
        const rows = found.nodes.map((one) => columns.map(([, cell]) => cell(one)));
        session.terminal.out.write(layOutTable(headings, rows));
      }),
    );
  node
    .command('remove')
    .description('give up a node that is lost: its disks lose what was written to them since it was last stored')
    .argument('<node-id>', 'as "obraz node list" has it; it must not be running')
    .action(
      toAction(async (session, { args: [nodeId = ''] }) => {
        const removed = await session.api.call(NodeService.method.remove, { nodeId }, { signal: session.signal });
        showOne(session, RemoveNodeResponseSchema, removed, [
          ['DISKS', ({ diskIds }) => diskIds.join(' ')],
          ['ATTACHMENTS', ({ attachmentCount }) => `${attachmentCount}`],
        ]);
      }),
    );
}

const columns: Columns<Node> = [
  ['ID', ({ id }) => id],
  ['ROLES', ({ roles }) => roles.join(' ')],
  ['STATE', ({ running, seenAt }) => (running ? 'RUNNING' : seenAt === undefined ? 'STOPPED' : 'LOST')],
  ['STARTED', ({ startedAt }) => showTime(startedAt)],
  ['LAST SEEN', ({ seenAt }) => showTime(seenAt)],
  ['NBD', ({ nbdUrl }) => nbdUrl],
  ['DISKS', ({ diskCount }) => `${diskCount}`],
  ['ATTACHMENTS', ({ attachmentCount }) => `${attachmentCount}`],
];
