import { setTimeout as sleep } from 'node:timers/promises';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { status } from '@grpc/grpc-js';
import type { Status } from '../gen/google/rpc/status_pb.ts';
import { ComputeImageDigestMetadataSchema } from '../gen/obraz/v1/image_digest_service_pb.ts';
import {
  type ImportProgress,
  ImportProgress_Phase,
  ImportProgress_PhaseSchema,
} from '../gen/obraz/v1/import_progress_pb.ts';
import { StoreOperationMetadataSchema, type StoreProgress } from '../gen/obraz/v1/store_service_pb.ts';
import { CreateImageMetadataSchema } from '../gen/yandex/cloud/compute/v1/image_service_pb.ts';
import type { Operation } from '../gen/yandex/cloud/operation/operation_pb.ts';
import { OperationService } from '../gen/yandex/cloud/operation/operation_service_pb.ts';
import { shellWord } from '../lib/shell-word.ts';
import { ApiFailed } from './api-failed.ts';
import { Interrupted } from './cli-failed.ts';
import { createProgressDisplay, formatDuration, type Progress } from './progress-display.ts';
import type { Session } from './session.ts';

/** The first looks come quickly, for operations that take no time; then one a second. */
const firstPollMs = 50;
const slowestPollMs = 1000;
/** How long a server may be away: a restart or an upgrade of it. */
const patienceMs = 120_000;

/** An operation ended without what it was to make. */
export class OperationFailed extends ApiFailed {
  readonly operationId: string;

  constructor(failed: Status, operationId: string) {
    super(failed);
    this.name = 'OperationFailed';
    this.operationId = operationId;
  }
}

/**
 * Waits until the operation is done and shows its progress meanwhile. It goes on when the user leaves, and when the
 * server restarts.
 *
 * @throws OperationFailed when it ended with an error
 * @throws Interrupted when the user pressed Ctrl-C
 */
export async function followOperation(session: Session, begun: Operation): Promise<Operation> {
  const startedAt = Date.now();
  const done = await waitForOperation(session, begun);
  session.terminal.err.write(`done (${formatDuration((Date.now() - startedAt) / 1000)})\n`);
  return done;
}

/** The same without a word at the end. Throws as followOperation. */
export async function waitForOperation(session: Session, begun: Operation): Promise<Operation> {
  const done = await waitUntilDone(session, begun);
  if (done.result.case === 'error') throw new OperationFailed(done.result.value, done.id);
  return done;
}

async function waitUntilDone(session: Session, begun: Operation): Promise<Operation> {
  using display = createProgressDisplay(session.terminal);
  let operation = begun;
  let seenAt = Date.now();
  for (let delayMs = firstPollMs; !operation.done; delayMs = Math.min(delayMs * 2, slowestPollMs)) {
    const progress = progressOf(operation);
    if (progress !== undefined) display.show(progress);
    try {
      await sleep(delayMs, undefined, { signal: session.signal });
      operation = await getOperation(session, operation.id);
      seenAt = Date.now();
    } catch (error) {
      if (session.signal.aborted) throw new Interrupted(describeWhatGoesOn(session, operation));
      const away = error instanceof ApiFailed && error.code === status.UNAVAILABLE;
      if (!away || Date.now() - seenAt > patienceMs) throw error;
    }
  }
  return operation;
}

/** The operation's present state. */
export function getOperation(session: Session, operationId: string): Promise<Operation> {
  return session.api.call(OperationService.method.get, { operationId }, { signal: session.signal });
}

/** The progress in the operation's metadata, if its kind has one. */
export function progressOf({ metadata }: Operation): Progress | undefined {
  const digest = metadata === undefined ? undefined : anyUnpack(metadata, ComputeImageDigestMetadataSchema);
  if (digest?.progress !== undefined) return { ...shown(digest.progress), phase: 'hashing' };
  const store = metadata === undefined ? undefined : anyUnpack(metadata, StoreOperationMetadataSchema);
  if (store?.progress !== undefined) return shownStore(store.progress);
  const create = metadata === undefined ? undefined : anyUnpack(metadata, CreateImageMetadataSchema);
  return create?.progress === undefined ? undefined : shown(create.progress);
}

function shownStore({ bytesDone, bytesTotal, bytesPerSecond, errorCount }: StoreProgress): Progress {
  return {
    phase: errorCount === 0n ? 'checking' : `checking, ${errorCount} errors`,
    doneBytes: Number(bytesDone),
    totalBytes: Number(bytesTotal),
    bytesPerSecond: Number(bytesPerSecond),
  };
}

function shown(progress: ImportProgress): Progress {
  const reading = progress.phase <= ImportProgress_Phase.SPOOLING || progress.phase === ImportProgress_Phase.UNPACKING;
  return {
    phase: (ImportProgress_PhaseSchema.value[progress.phase]?.name ?? 'working').toLowerCase(),
    doneBytes: Number(reading ? progress.bytesRead : progress.guestBytesDone),
    totalBytes: Number(reading ? progress.bytesTotal : progress.guestBytesTotal),
    bytesPerSecond: Number(progress.bytesPerSecond),
  };
}

function describeWhatGoesOn(session: Session, operation: Operation): string {
  const { invokedAs } = session.environment;
  const flags = connectionFlags(session);
  return [
    `operation ${operation.id} goes on. Follow it or cancel it with`,
    `  ${invokedAs} operation wait ${operation.id}${flags}`,
    `  ${invokedAs} operation cancel ${operation.id}${flags}`,
  ].join('\n');
}

/** The flags that made this command reach its server; the token is left to the environment. */
function connectionFlags({ flags }: Session): string {
  const given = [
    ['--data', flags.data],
    ['--endpoint', flags.endpoint],
    ['--ca', flags.ca],
  ];
  return given.map(([flag, value]) => (value === undefined ? '' : ` ${flag} ${shellWord(value)}`)).join('');
}
