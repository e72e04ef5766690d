import { setTimeout as wait } from 'node:timers/promises';
import { DoorError } from '../fixtures/doors.ts';
import type { CrashClient } from './client.ts';
import type { Random } from './random.ts';

/** gRPC's FAILED_PRECONDITION: another operation of the kind is under way. */
const failedPrecondition = 9;

/** Slow enough for a death in the middle of what is small, and quick enough to be over soon. */
const slowBytesPerSecond = 4 * 1024 * 1024;

/** Starts a scrub or a check, as an administrator may at any moment. It goes on, or over, in the lives that follow. */
export async function lookAfterStore(client: CrashClient, random: Random): Promise<void> {
  if (random.chance(0.5)) await start(client, 'StoreService.Scrub', { bytesPerSecond: slowBytesPerSecond });
  else await start(client, 'StoreService.Check', { readData: random.chance(0.5), bytesPerSecond: slowBytesPerSecond });
}

/** Whether no check of an earlier life is under way. */
export async function storeIsFree(client: CrashClient): Promise<boolean> {
  return (await start(client, 'StoreService.Check', {})) !== undefined;
}

/** Checks all that is known of the store, and reads and verifies every chunk: nothing may be found. */
export async function mustBeSound(client: CrashClient): Promise<void> {
  let operationId: string | undefined;
  for (operationId = undefined; operationId === undefined; await wait(20)) {
    operationId = await start(client, 'StoreService.Check', { readData: true, bytesPerSecond: 1_000_000_000 });
  }
  for (;;) {
    const operation = await client.call('OperationService.Get', { operationId });
    if (operation.done === true) {
      if (operation.error === undefined && operation.response.findings === undefined) return;
      throw new Error(`the check of the store found ${JSON.stringify(operation.error ?? operation.response)}`);
    }
    await wait(20);
  }
}

/** The operation's id, or undefined while another one of the kind is under way. */
async function start(
  client: CrashClient,
  method: 'StoreService.Scrub' | 'StoreService.Check',
  body: { readData?: boolean; bytesPerSecond?: number },
): Promise<string | undefined> {
  try {
    return (await client.call(method, body)).id;
  } catch (error) {
    if (error instanceof DoorError && error.code === failedPrecondition) return undefined;
    throw error;
  }
}
