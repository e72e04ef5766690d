import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { uploadUri } from '../../lib/upload-uri.ts';
import { formatByteSize } from '../byte-size.ts';
import { CliFailed, Interrupted } from '../cli-failed.ts';
import type { ServerAddress } from '../find-server.ts';
import { createProgressDisplay } from '../progress-display.ts';
import { createRateMeter } from '../rate-meter.ts';
import { TransferBroken } from '../rest-client.ts';
import type { Terminal } from '../terminal.ts';
import { FileChanged, LocalFile } from './local-file.ts';
import { TusClient, UploadTakenOver } from './tus-client.ts';
import { UploadRecords } from './upload-record.ts';

/** Bytes per request. The server makes them durable as they come, so this is for proxies that count. */
const partBytes = 256 * 2 ** 20;
/** How long a server may be away, or the network: a restart or an upgrade of it. */
const patienceMs = 120_000;
const firstRetryMs = 250;
const slowestRetryMs = 4_000;

/** A file that is there, whole. */
export interface UploadedFile {
  /** What to make an image from. */
  readonly uri: string;
  /** To be called once it is an image: the next run of the command begins anew. */
  forget(): Promise<void>;
}

export interface UploadOptions {
  readonly server: ServerAddress;
  readonly folderId: string;
  /** As the user gave it. */
  readonly file: string;
  /** Where to remember the upload between runs. */
  readonly stateDirectory: string;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

/**
 * Sends a file to the service and returns when all of it is durable there. Goes on where an earlier run ended, as long
 * as the file is the same; when the connection breaks, or the server is restarted, it goes on by itself.
 *
 * @throws Interrupted when the user pressed Ctrl-C; what was sent is kept
 */
export async function uploadFile(options: UploadOptions): Promise<UploadedFile> {
  const { folderId, terminal, signal } = options;
  await using file = await LocalFile.open(options.file);
  await using client = new TusClient(options.server);
  const records = new UploadRecords(options.stateDirectory);
  const forget = () => records.remove(folderId, file);
  try {
    const upload = await findOrBegin(client, records, file, options);
    if (upload.offsetBytes > 0) terminal.err.write(`going on at ${describeProgress(upload.offsetBytes, file)}\n`);
    try {
      await sendRest(client, file, upload, options);
      await file.checkUnchanged();
    } catch (error) {
      if (error instanceof FileChanged) await client.delete(upload.uploadId, signal).finally(forget);
      throw error;
    }
    return { uri: uploadUri(upload.uploadId), forget };
  } catch (error) {
    const goOn = 'Run the same command again to go on from here.';
    if (signal.aborted) throw new Interrupted(`interrupted. ${goOn}`);
    if (error instanceof UploadTakenOver) {
      throw new CliFailed(`another command uploads ${file.given}, too: let one of them finish.`, { cause: error });
    }
    if (!(error instanceof TransferBroken)) throw error;
    throw new CliFailed(`${error.message}. ${goOn}`, { cause: error });
  }
}

interface Begun {
  readonly uploadId: string;
  readonly offsetBytes: number;
}

/** The upload that an earlier run began, or a new one. One that is being imported is not ours any more. */
async function findOrBegin(
  client: TusClient,
  records: UploadRecords,
  file: LocalFile,
  { folderId, terminal, signal }: UploadOptions,
): Promise<Begun> {
  const { lengthBytes, modifiedMs } = file;
  const record = await records.read(folderId, file);
  if (record !== undefined) {
    const { uploadId } = record;
    const state = await client.find(uploadId, signal);
    const isFree = state !== undefined && state.operationId === undefined;
    if (isFree && record.lengthBytes === lengthBytes && record.modifiedMs === modifiedMs) {
      return { uploadId, offsetBytes: state.offsetBytes };
    }
    // The file is another now: what was sent of the old one is of no use.
    if (isFree) await client.delete(uploadId, signal);
  }
  const filename = basename(file.given);
  const uploadId = await client.create({ folderId, filename, lengthBytes }, signal);
  try {
    await records.write({ uploadId, folderId, path: file.path, lengthBytes, modifiedMs }, file);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    terminal.err.write(`another run could not go on with this upload: ${reason}\n`);
  }
  return { uploadId, offsetBytes: 0 };
}

/** Sends what is missing. After a failure the server says from where: what it says it has, it has. */
async function sendRest(
  client: TusClient,
  file: LocalFile,
  { uploadId, offsetBytes }: Begun,
  { terminal, signal }: UploadOptions,
): Promise<void> {
  const rate = createRateMeter();
  using display = createProgressDisplay(terminal);
  const show = (doneBytes: number) => {
    const [totalBytes, bytesPerSecond] = [file.lengthBytes, rate.bytesPerSecond()];
    display.show({ phase: 'uploading', doneBytes, totalBytes, bytesPerSecond });
  };
  const sendPart = async (offset: number): Promise<number> => {
    const length = Math.min(partBytes, file.lengthBytes - offset);
    let sent = offset;
    const bytes = file.read(offset, length, (read) => {
      rate.add(read);
      sent += read;
      show(sent);
    });
    return await client.send(uploadId, { offset, length, bytes }, signal);
  };
  const patience = new Patience(signal);
  let isKnown = true;
  for (let offset = offsetBytes; offset < file.lengthBytes; ) {
    show(offset);
    try {
      const reached = isKnown ? await sendPart(offset) : await askOffset(client, uploadId, signal);
      if (reached > offset) patience.renew();
      offset = reached;
      isKnown = true;
    } catch (error) {
      isKnown = false;
      await patience.wait(error);
    }
  }
  show(file.lengthBytes);
}

async function askOffset(client: TusClient, uploadId: string, signal: AbortSignal): Promise<number> {
  const state = await client.find(uploadId, signal);
  if (state === undefined) throw new CliFailed('the upload was removed meanwhile. Run the command again.');
  return state.offsetBytes;
}

/** How long to go on trying while the connection or the server fails. */
class Patience {
  readonly #signal: AbortSignal;
  #deadline = Date.now() + patienceMs;
  #delayMs = firstRetryMs;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Something was achieved: the next failure is the first again. */
  renew(): void {
    this.#deadline = Date.now() + patienceMs;
    this.#delayMs = firstRetryMs;
  }

  /** Waits before another try, or throws `error` when there should be none. */
  async wait(error: unknown): Promise<void> {
    if (!(error instanceof TransferBroken) || Date.now() > this.#deadline) throw error;
    await sleep(this.#delayMs, undefined, { signal: this.#signal });
    this.#delayMs = Math.min(2 * this.#delayMs, slowestRetryMs);
  }
}

function describeProgress(offset: number, { lengthBytes }: LocalFile): string {
  return `${formatByteSize(offset)} of ${formatByteSize(lengthBytes)}`;
}
