import type { Database, Transaction } from '../db/database.ts';
import { notFound } from '../errors.ts';
import { hasPassed } from '../lib/has-passed.ts';
import { assertRoom, assertTakenLength } from './assert-room.ts';
import type { Upload } from './upload.ts';
import { advanceUpload, findUpload, lengthenUpload } from './upload-rows.ts';
import { TakenOver } from './upload-turns.ts';
import type { UploadLimits } from './uploads.ts';

export interface UploadProgressDeps {
  readonly db: Database;
  readonly limits: UploadLimits;
  /** The time, in milliseconds since 1970. */
  readonly now: () => number;
  /** See UploadBytes. */
  readonly freeBytes: () => Promise<number>;
}

/**
 * An upload's row as one writer moves it on. Each step holds only if the row is still where this writer left it: that is
 * what keeps writers of several processes apart.
 */
export class UploadProgress {
  readonly #deps: UploadProgressDeps;
  #upload: Upload;
  #savedAt: number;

  constructor(deps: UploadProgressDeps, upload: Upload) {
    this.#deps = deps;
    this.#upload = upload;
    this.#savedAt = deps.now();
  }

  /** The upload as its row has it. */
  get upload(): Upload {
    return this.#upload;
  }

  /** Whether what has arrived since should be made durable for the time that has passed. */
  get isLate(): boolean {
    return hasPassed(this.#deps.limits.syncMs, { since: this.#savedAt, now: this.#deps.now() });
  }

  /**
   * Says that bytes up to `to` are durable, and with it what `alongside` writes. Returns false, and nothing is written,
   * when the upload is gone or not where it was; `explainLoss` says which. When it throws, it may have happened or not.
   */
  async advance(to: number, alongside: (tx: Transaction) => Promise<void> = async () => {}): Promise<boolean> {
    const { db, limits, now } = this.#deps;
    const { id, durableBytes: from } = this.#upload;
    this.#savedAt = now();
    const expiresAt = new Date(this.#savedAt + limits.keepMs);
    const isOurs = await db.transact(async (tx) => {
      if (!(await advanceUpload(tx, { id, from, to, expiresAt }))) return false;
      await alongside(tx);
      return true;
    });
    if (isOurs) this.#upload = { ...this.#upload, durableBytes: to, expiresAt };
    return isOurs;
  }

  /** Sets room aside for a file of this length and some more. Throws NOT_FOUND, TakenOver, RESOURCE_EXHAUSTED. */
  async lengthen(lengthBytes: number): Promise<void> {
    const { db, limits } = this.#deps;
    assertTakenLength(this.#deps, lengthBytes);
    const { id, lengthBytes: from } = this.#upload;
    const to = Math.min(lengthBytes + limits.syncBytes, limits.maxLengthBytes);
    const freeBytes = await this.#deps.freeBytes();
    const isOurs = await db.transact(async (tx) => {
      await assertRoom(tx, this.#deps, { freeBytes, moreBytes: to - from });
      return lengthenUpload(tx, { id, from, to });
    });
    if (!isOurs) throw await this.explainLoss();
    this.#upload = { ...this.#upload, lengthBytes: to };
  }

  /** Why a step of this writer did not hold: NOT_FOUND for an upload that is gone, else TakenOver. */
  async explainLoss(): Promise<Error> {
    const { id } = this.#upload;
    return (await findUpload(this.#deps.db.read, id)) === undefined ? notFound('Upload', id) : new TakenOver(id);
  }

  /** Whether the row is where this writer left it. */
  async isStillOurs(): Promise<boolean> {
    const { id, durableBytes } = this.#upload;
    return (await findUpload(this.#deps.db.read, id))?.durableBytes === durableBytes;
  }
}
