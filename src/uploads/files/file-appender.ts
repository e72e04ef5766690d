import type { AppendOptions, UploadAppender } from '../upload-bytes.ts';
import type { UploadProgress } from '../upload-progress.ts';
import type { UploadLimits } from '../uploads.ts';
import type { UploadFile } from './upload-file.ts';

export interface FileAppenderOptions extends AppendOptions {
  /** Closed with the appender. */
  readonly file: UploadFile;
  readonly progress: UploadProgress;
  readonly limits: UploadLimits;
}

/**
 * Adds bytes to an upload's file, and keeps its row up with it: what the row says is synced before. While bytes arrive
 * that happens beside them, so that the network needs not wait for the disk; only a disk that is far behind holds it up.
 */
export class FileAppender implements UploadAppender {
  readonly #options: FileAppenderOptions;
  #saving: Promise<void> | undefined;

  constructor(options: FileAppenderOptions) {
    this.#options = options;
  }

  get upload() {
    return this.#options.progress.upload;
  }

  get lengthBytes(): number {
    return this.#options.file.lengthBytes;
  }

  append(bytes: Uint8Array): Promise<void> | undefined {
    const written = this.#options.file.append(bytes);
    return this.#options.isWithheld ? written : written?.then(() => this.#keepUp());
  }

  async save(): Promise<void> {
    await this.#options.file.flush();
    await this.#saving;
    if (this.#options.file.writtenBytes > this.upload.durableBytes) await this.#sync();
  }

  async lengthen(lengthBytes: number): Promise<void> {
    await this.#options.progress.lengthen(lengthBytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#saving?.catch(() => {});
    await this.#options.file[Symbol.asyncDispose]();
  }

  /** Begins to save when it is time to; returns a promise when that must be waited for. */
  #keepUp(): Promise<void> | undefined {
    const { file, progress, limits } = this.#options;
    const behind = file.writtenBytes - this.upload.durableBytes;
    if ((behind >= limits.syncBytes || progress.isLate) && this.#saving === undefined) {
      this.#saving = this.#sync();
      // A failure is thrown by whoever waits, at the latest by save().
      this.#saving.then(
        () => {
          this.#saving = undefined;
        },
        () => {},
      );
    }
    return behind >= 2 * limits.syncBytes ? this.#saving : undefined;
  }

  async #sync(): Promise<void> {
    const { file, progress } = this.#options;
    if (!(await progress.advance(await file.sync()))) throw await progress.explainLoss();
  }
}
