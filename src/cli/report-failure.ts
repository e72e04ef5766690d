import { CommanderError } from 'commander';
import { ApiFailed, describeApiFailure } from './api-failed.ts';
import { CliFailed, Interrupted } from './cli-failed.ts';
import { OperationFailed } from './follow-operation.ts';

/** Exit codes of the client commands. */
const exitCode = { failed: 1, usage: 2, interrupted: 130 } as const;

/** Tells the user on `err` what went wrong, never with a stack, and returns the process's exit code. */
export function reportFailure(error: unknown, err: NodeJS.WritableStream, signal: AbortSignal): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCode.usage; // commander has told already
  if (error instanceof Interrupted) {
    err.write(`${error.message}\n`);
    return exitCode.interrupted;
  }
  if (signal.aborted) return exitCode.interrupted;
  err.write(`ERROR: ${describeFailure(error)}\n`);
  return exitCode.failed;
}

/** What went wrong, for people. */
export function describeFailure(error: unknown): string {
  if (error instanceof OperationFailed) return `${describeApiFailure(error)}\noperation-id: ${error.operationId}`;
  if (error instanceof ApiFailed) return describeApiFailure(error);
  if (error instanceof CliFailed) return error.message;
  if (error instanceof Error && 'syscall' in error) return error.message; // a full disk, a folder that is not ours ...
  return error instanceof Error ? `${error.message} (this is a bug in obraz: ${error.name})` : String(error);
}
