import { notFound } from '../errors.ts';
import { hasPassed } from '../lib/has-passed.ts';
import { assertRoom, assertTakenLength } from './assert-room.ts';
import type { Upload } from './upload.ts';
import type { UploadFile } from './upload-file.ts';
import { advanceUpload, lengthenUpload } from './upload-rows.ts';
import type { Uploads } from './uploads.ts';

/**
 * Keeps an upload's row up with its file: what the row says is synced before. While bytes arrive that happens beside
 * them, so that the network needs not wait for the disk; only a disk that is far behind holds it up.
 */
export class DurableLength {
  readonly #uploads: Uploads;
  readonly #file: UploadFile;
  #upload: Upload;
  #savedAt: number;
  #saving: Promise<void> | undefined;

  constructor(uploads: Uploads, file: UploadFile, upload: Upload) {
    this.#uploads = uploads;
    this.#file = file;
    this.#upload = upload;
    this.#savedAt = uploads.now();
  }

  /** The upload as its row has it. */
  get upload(): Upload {
    return this.#upload;
  }

  /** To be called after each write. Begins to save when it is time to; returns a promise when that must be waited for. */
  keepUp(): Promise<void> | undefined {
    const { syncBytes, syncMs } = this.#uploads.limits;
    const behind = this.#file.writtenBytes - this.#upload.durableBytes;
    const isTime = behind >= syncBytes || hasPassed(syncMs, { since: this.#savedAt, now: this.#uploads.now() });
    if (isTime && this.#saving === undefined) {
      this.#saving = this.#save();
      // A failure is thrown by whoever waits, at the latest by save().
      this.#saving.then(
        () => {
          this.#saving = undefined;
        },
        () => {},
      );
    }
    return behind >= 2 * syncBytes ? this.#saving : undefined;
  }

  /** Makes all that was written durable, and says so in the row. Throws NOT_FOUND when the upload was removed. */
  async save(): Promise<void> {
    await this.#saving;
    if (this.#file.writtenBytes > this.#upload.durableBytes) await this.#save();
  }

  /** Sets room aside for a file of this length and some more, where its length was not known. */
  async lengthen(lengthBytes: number): Promise<void> {
    const { db, limits } = this.#uploads;
    assertTakenLength(this.#uploads, lengthBytes);
    const { id, lengthBytes: before } = this.#upload;
    const to = Math.min(lengthBytes + limits.syncBytes, limits.maxLengthBytes);
    const freeBytes = await this.#uploads.freeBytes();
    await db.transact(async (tx) => {
      await assertRoom(tx, this.#uploads, { freeBytes, moreBytes: to - before });
      await lengthenUpload(tx, id, to);
    });
    this.#upload = { ...this.#upload, lengthBytes: to };
  }

  async #save(): Promise<void> {
    const { db, limits, now } = this.#uploads;
    const { id, durableBytes: from } = this.#upload;
    const to = await this.#file.sync();
    this.#savedAt = now();
    const expiresAt = new Date(this.#savedAt + limits.keepMs);
    if (!(await db.transact((tx) => advanceUpload(tx, { id, from, to, expiresAt })))) throw notFound('Upload', id);
    this.#upload = { ...this.#upload, durableBytes: to, expiresAt };
  }
}
