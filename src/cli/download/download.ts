import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { CliFailed, Interrupted } from '../cli-failed.ts';
import type { ServerAddress } from '../find-server.ts';
import { createProgressDisplay } from '../progress-display.ts';
import { createRateMeter } from '../rate-meter.ts';
import { TransferBroken } from '../rest-client.ts';
import type { Terminal } from '../terminal.ts';
import type { ByteRange } from './byte-ranges.ts';
import { ContentClient } from './content-client.ts';
import { PartialFile } from './partial-file.ts';

/** Requests in flight: the server decodes one while another's bytes are under way. */
const parallelReads = 4;
/** Bytes per request: enough that its round trip does not count, little enough to share out evenly. */
const pieceBytes = 16 * 2 ** 20;
/** How much of a download a crash may cost. */
const saveEveryMs = 2000;
/** A piece is given up after so many tries in a row that brought no byte. */
const maxTries = 6;
const firstRetryMs = 250;

/**
 * Writes an image's guest bytes to `target` as a sparse file. A download that ended early goes on where it was when it
 * is run again, as long as the image is the same.
 *
 * @throws Interrupted when the user pressed Ctrl-C; what was done is kept
 */
export async function downloadImage(options: {
  readonly server: ServerAddress;
  readonly imageId: string;
  readonly target: string;
  /** Replace a file that is there. */
  readonly force: boolean;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { server, imageId, target, signal } = options;
  if (!options.force) await refuseToOverwrite(target);
  let begun = false;
  try {
    await using client = new ContentClient(server, parallelReads);
    const content = await client.describe(imageId, signal);
    const data = await client.dataRanges(imageId, signal);
    await using file = await PartialFile.open(target, content);
    begun = true;
    await fetchMissing({ ...options, client, etag: content.etag, data, file });
    if (!options.force) await refuseToOverwrite(target);
    await file.finish();
  } catch (error) {
    const goOn = begun ? ' Run the same command again to go on from here.' : '';
    if (signal.aborted) throw new Interrupted(`interrupted.${goOn}`);
    if (!(error instanceof TransferBroken)) throw error;
    throw new CliFailed(`${error.message}.${goOn}`, { cause: error });
  }
}

/** Fetches what is not in the file yet, several pieces at a time, and saves now and then how far it is. */
async function fetchMissing(options: {
  readonly client: ContentClient;
  readonly imageId: string;
  readonly etag: string;
  readonly data: readonly ByteRange[];
  readonly file: PartialFile;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { data, file, terminal } = options;
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  const pieces = cutIntoPieces(data.flatMap(({ start, end }) => [...file.done.missing(start, end)]));
  const totalBytes = data.reduce((sum, { start, end }) => sum + end - start, 0);
  const rate = createRateMeter();
  using display = createProgressDisplay(terminal);
  let doneBytes = file.done.length;
  let savedAt = Date.now();

  const onWritten = async (length: number) => {
    doneBytes += length;
    rate.add(length);
    display.show({ phase: 'download', doneBytes, totalBytes, bytesPerSecond: rate.bytesPerSecond() });
    if (Date.now() - savedAt < saveEveryMs) return;
    savedAt = Date.now();
    await file.save();
  };
  const work = async () => {
    // All workers take from one iterator: each piece goes to whoever is free.
    for (const piece of pieces) await fetchPiece({ ...options, signal, piece, onWritten });
  };
  const workers = Array.from({ length: parallelReads }, () =>
    work().catch((error: unknown) => {
      failed.abort(error);
      throw error;
    }),
  );
  const results = await Promise.allSettled(workers);
  const rejected = results.find((result) => result.status === 'rejected');
  if (rejected === undefined) return;
  await file.save();
  throw failed.signal.aborted ? failed.signal.reason : rejected.reason;
}

/** Fetches one piece, trying again from where it broke. */
async function fetchPiece(options: {
  readonly client: ContentClient;
  readonly imageId: string;
  readonly etag: string;
  readonly piece: ByteRange;
  readonly file: PartialFile;
  readonly signal: AbortSignal;
  readonly onWritten: (length: number) => Promise<void>;
}): Promise<void> {
  const { client, imageId, etag, piece, file, signal, onWritten } = options;
  let position = piece.start;
  for (let tries = 1; position < piece.end; ) {
    try {
      for await (const bytes of client.read(imageId, { start: position, end: piece.end }, etag, signal)) {
        await file.write(bytes, position);
        position += bytes.length;
        tries = 1;
        await onWritten(bytes.length);
      }
    } catch (error) {
      if (!(error instanceof TransferBroken) || tries === maxTries) throw error;
      await sleep(firstRetryMs * 2 ** (tries - 1), undefined, { signal });
      tries++;
    }
  }
}

function* cutIntoPieces(ranges: readonly ByteRange[]): Generator<ByteRange> {
  for (const range of ranges) {
    for (let start = range.start; start < range.end; start += pieceBytes) {
      yield { start, end: Math.min(start + pieceBytes, range.end) };
    }
  }
}

async function refuseToOverwrite(target: string): Promise<void> {
  const there = await stat(target).catch(() => undefined);
  if (there === undefined) return;
  throw new CliFailed(there.isDirectory() ? `${target} is a directory.` : `${target} exists: --force replaces it.`);
}
