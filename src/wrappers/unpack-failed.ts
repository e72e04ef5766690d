/** Why a work file could not be written: for want of room, or for a fault of its disk. */
export type UnpackFailure = 'no-space' | 'work-file-failed';

/** The file may be sound; the service could not unpack it. `reason` may be shown, what only an operator may see is in `cause`. */
export class UnpackFailed extends Error {
  readonly kind: UnpackFailure;
  readonly reason: string;

  constructor(kind: UnpackFailure, reason: string, cause?: unknown) {
    super(reason, { cause });
    this.name = 'UnpackFailed';
    this.kind = kind;
    this.reason = reason;
  }
}

/** What a call to the file system failed with, as one of ours. */
export function unpackFailure(error: unknown): UnpackFailed {
  if (error instanceof UnpackFailed) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  if (code === 'ENOSPC' || code === 'EDQUOT') return noRoom(`the disk is full (${code}).`, error);
  return new UnpackFailed('work-file-failed', `The service could not keep the unpacked file (${code}).`, error);
}

/** @param detail the end of a sentence */
export function noRoom(detail: string, cause?: unknown): UnpackFailed {
  return new UnpackFailed('no-space', `The service has no room to unpack the file: ${detail}`, cause);
}
