/**
 * Why an overlay did not do what it was asked, in the words that a block protocol has for it: `ENOSPC` no room was left
 * and nothing was changed, `EIO` anything else that is not the caller's fault.
 */
export type OverlayFailureCode = 'EIO' | 'ENOSPC';

/** A call on an overlay failed. */
export class OverlayFailed extends Error {
  readonly code: OverlayFailureCode;

  constructor(code: OverlayFailureCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'OverlayFailed';
    this.code = code;
  }
}

/** A file of an overlay is not as it was written, is missing, or was never ours. Its bytes are not given out. */
export class OverlayDamaged extends OverlayFailed {
  readonly path: string;

  constructor(path: string, fact: string, cause?: unknown) {
    super('EIO', `${path}: ${fact}`, cause);
    this.name = 'OverlayDamaged';
    this.path = path;
  }
}

/** The overlay was written over another base than the one that it is opened over: together they would be no disk that ever was. */
export class BaseWrong extends OverlayFailed {
  /** The bases that it may lie on, the latest last. */
  readonly baseIds: readonly string[];

  constructor(directory: string, baseIds: readonly string[], given: string) {
    const lies = baseIds.map(described).join(' or ');
    super('EIO', `${directory}: the overlay was written over ${lies}, and is opened over ${described(given)}`);
    this.name = 'BaseWrong';
    this.baseIds = baseIds;
  }
}

function described(baseId: string): string {
  return baseId === '' ? 'no base' : `base ${baseId}`;
}

/**
 * An fsync failed. What it was to make durable may be lost, and a second fsync would not say so: nothing more is written
 * to the overlay until it is opened again.
 */
export class SyncFailed extends OverlayFailed {
  constructor(path: string, cause: unknown) {
    super('EIO', `${path}: fsync: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
    this.name = 'SyncFailed';
  }
}

/** What a failed system call means for whoever asked. */
export function overlayFailedBy(error: unknown, what: string): OverlayFailed {
  if (error instanceof OverlayFailed) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new OverlayFailed(isOutOfSpace(error) ? 'ENOSPC' : 'EIO', `${what}: ${message}`, error);
}

export function isOutOfSpace(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOSPC' || code === 'EDQUOT';
}
