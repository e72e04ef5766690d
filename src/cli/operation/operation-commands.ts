import type { Command } from 'commander';
import { OperationSchema } from '../../gen/yandex/cloud/operation/operation_pb.ts';
import { OperationService } from '../../gen/yandex/cloud/operation/operation_service_pb.ts';
import { operationColumns } from '../columns.ts';
import { finishOrShow } from '../finish-or-show.ts';
import { addClientFlags } from '../flags.ts';
import { getOperation } from '../follow-operation.ts';
import { showOne } from '../render.ts';
import type { ToAction } from '../run-command.ts';

/** `operation get | wait | cancel`. */
export function addOperationCommands(parent: Command, toAction: ToAction): void {
  const operation = parent.command('operation').description('look at long work, wait for it, cancel it');
  addClientFlags(operation);
  const add = (verb: string, description: string) =>
    operation.command(verb).description(description).argument('<id>', 'id of the operation');

  add('get', 'show an operation').action(
    toAction(async (session, { args: [id = ''] }) => {
      await showOne(session, OperationSchema, await getOperation(session, id), operationColumns);
    }),
  );
  add('wait', 'wait until an operation is done, and show what it made').action(
    toAction(async (session, { args: [id = ''] }) => {
      await finishOrShow(session, await getOperation(session, id), {});
    }),
  );
  add('cancel', 'cancel an operation; one that is done stays as it is').action(
    toAction(async (session, { args: [id = ''] }) => {
      const cancelled = await session.api.call(OperationService.method.cancel, { operationId: id }, session);
      await showOne(session, OperationSchema, cancelled, operationColumns);
    }),
  );
}
