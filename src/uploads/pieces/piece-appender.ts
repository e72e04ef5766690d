import type { BlobStore } from '../../blobs/blob-store.ts';
import type { MemoryBudget } from '../../lib/memory-budget.ts';
import { BytesLost } from '../../sources/bytes-lost.ts';
import type { UploadAppender } from '../upload-bytes.ts';
import type { UploadProgress } from '../upload-progress.ts';
import type { UploadLimits } from '../uploads.ts';
import { Gather, type GatherMemory } from './gather.ts';
import { newPieceName, type Piece, slotBytes } from './piece.ts';
import type { PieceReader } from './piece-reader.ts';
import { disownPieces, insertPieces } from './piece-rows.ts';
import { UnitSums } from './unit-sums.ts';

/** What all appenders of a process share. */
export interface PieceAppenderDeps {
  readonly blobs: BlobStore;
  readonly reader: PieceReader;
  readonly memory: GatherMemory;
  /** A byte of it is a blob being sent: the store has memory of its own for each. */
  readonly sending: MemoryBudget;
  readonly limits: UploadLimits;
  /** There are pieces that can go. */
  readonly onGarbage: () => void;
  /** Aborted when the service cannot wait for the store any more: what is on its way is given up. */
  readonly givenUp: AbortSignal;
}

/** A small piece is copied only into one that is at least half as long: so a byte is copied a few times, and not with each request. */
const shrink = 2;
/** Read at once of a piece that is copied. */
const copyBytes = 1024 * 1024;

/**
 * Adds pieces to an upload. Bytes are gathered until a slot ends, memory is short or it is time to acknowledge them; while
 * one piece is on its way to the store, the next one fills, and only a store that is far behind holds the network up.
 *
 * Each piece: its blob is written and seen to be there; then one transaction, which holds only if the upload is where we
 * left it. What loses that race, or breaks off before, is a blob without a row, which is dropped here or swept.
 */
export class PieceAppender implements UploadAppender {
  readonly #deps: PieceAppenderDeps;
  readonly #progress: UploadProgress;
  readonly #isWithheld: boolean;
  /** Of the slot that is being filled, in order. */
  #slot: readonly Piece[];
  /** Written and not in any row yet, in order. */
  readonly #withheld: Piece[] = [];
  /** In rows, and their bytes are in those that are withheld. */
  readonly #replaced: Piece[] = [];
  #gather: Gather;
  /** Where what is gathered begins. */
  #gatherStart: number;
  #storing: Promise<void> | undefined;

  /** @param slot the pieces that the upload has in the slot where it goes on */
  constructor(deps: PieceAppenderDeps, progress: UploadProgress, slot: readonly Piece[], isWithheld: boolean) {
    this.#deps = deps;
    this.#progress = progress;
    this.#slot = slot;
    this.#isWithheld = isWithheld;
    this.#gather = new Gather(deps.memory);
    this.#gatherStart = progress.upload.durableBytes;
  }

  get upload() {
    return this.#progress.upload;
  }

  get lengthBytes(): number {
    return this.#gatherStart + this.#gather.lengthBytes;
  }

  append(bytes: Uint8Array): Promise<void> | undefined {
    const taken = this.#take(bytes);
    if (taken < bytes.length) return this.#appendBehind(bytes.subarray(taken));
    // Its failure is thrown by whoever waits for it next, at the latest by save().
    if (this.#storing === undefined && this.#isTime()) this.#begin();
    return undefined;
  }

  async save(): Promise<void> {
    await this.#storing;
    if (this.#gather.lengthBytes > 0) await this.#begin();
    // From here on they are not ours to drop: the commit may happen also where its answer is lost.
    await this.#commit(this.#withheld.splice(0), this.#replaced);
  }

  async lengthen(lengthBytes: number): Promise<void> {
    await this.#progress.lengthen(lengthBytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#storing?.catch(() => {});
    this.#gather.release();
    await this.#drop(this.#withheld);
  }

  /** Gathers what fits into the slot and into memory; returns how much of it. */
  #take(bytes: Uint8Array): number {
    return this.#gather.add(bytes, slotBytes - (this.#gatherStart % slotBytes));
  }

  async #appendBehind(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0; rest = rest.subarray(this.#take(rest))) {
      await this.#storing;
      this.#begin();
    }
  }

  #isTime(): boolean {
    if (this.#isWithheld) return false;
    return this.#gather.lengthBytes >= this.#deps.limits.syncBytes || this.#progress.isLate;
  }

  /** Stores what is gathered, and gathers anew. Only when nothing is being stored. */
  #begin(): Promise<void> {
    const [gather, start] = [this.#gather, this.#gatherStart];
    this.#gatherStart += gather.lengthBytes;
    this.#gather = new Gather(this.#deps.memory);
    const storing = this.#store(gather, start);
    this.#storing = storing;
    storing.then(
      () => {
        if (this.#storing === storing) this.#storing = undefined;
      },
      () => gather.release(),
    );
    return storing;
  }

  async #store(gather: Gather, start: number): Promise<void> {
    const before = start % slotBytes === 0 ? [] : this.#slot;
    const copied = copiedWith(before, gather.lengthBytes);
    const piece = await this.#write(gather, copied, copied[0]?.start ?? start);
    gather.release();
    this.#slot = [...before.slice(0, before.length - copied.length), piece];
    if (this.#isWithheld) await this.#withhold(piece, copied);
    else await this.#commit([piece], copied);
  }

  /** Writes a blob of what is copied and then of what was gathered. */
  async #write(gather: Gather, copied: readonly Piece[], start: number): Promise<Piece> {
    const { blobs, sending, givenUp } = this.#deps;
    using _sent = await sending.reserve(1, givenUp);
    const blobName = newPieceName(this.upload.id);
    const sums = new UnitSums();
    await using writer = await blobs.create(blobName);
    using ending = new DisposableStack();
    const giveUp = () => void writer[Symbol.asyncDispose]();
    givenUp.addEventListener('abort', giveUp);
    ending.defer(() => givenUp.removeEventListener('abort', giveUp));
    for await (const bytes of this.#read(copied)) {
      sums.add(bytes);
      await writer.append([bytes]);
    }
    for (const bytes of gather.pieces()) {
      sums.add(bytes);
      await writer.append([bytes]);
    }
    await writer.seal();
    return { blobName, start, sizeBytes: sums.sizeBytes, sums: sums.finish() };
  }

  async *#read(pieces: readonly Piece[]): AsyncIterable<Uint8Array> {
    try {
      for (const piece of pieces) {
        for (let offset = 0; offset < piece.sizeBytes; offset += copyBytes) {
          const bytes = new Uint8Array(new SharedArrayBuffer(Math.min(copyBytes, piece.sizeBytes - offset)));
          await this.#deps.reader.fill(piece, offset, bytes, { signal: this.#deps.givenUp });
          yield bytes;
        }
      }
    } catch (error) {
      // Another process may have been faster, and have copied them away.
      if (error instanceof BytesLost && !(await this.#progress.isStillOurs())) throw await this.#progress.explainLoss();
      throw error;
    }
  }

  async #withhold(piece: Piece, copied: readonly Piece[]): Promise<void> {
    const ours = copied.filter((one) => this.#withheld.includes(one));
    this.#replaced.push(...copied.filter((one) => !ours.includes(one)));
    this.#withheld.splice(this.#withheld.length - ours.length, ours.length, piece);
    await this.#drop(ours);
  }

  async #commit(pieces: readonly Piece[], replaced: readonly Piece[]): Promise<void> {
    const end = pieces.at(-1);
    if (end === undefined) return;
    const isOurs = await this.#progress.advance(end.start + end.sizeBytes, async (tx) => {
      await disownPieces(tx, replaced);
      await insertPieces(tx, this.upload.id, pieces);
    });
    if (replaced.length > 0) this.#deps.onGarbage();
    if (isOurs) return;
    await this.#drop(pieces);
    throw await this.#progress.explainLoss();
  }

  /** Deletes blobs that have no row. What fails is swept later. */
  async #drop(pieces: readonly Piece[]): Promise<void> {
    for (const { blobName } of pieces) await this.#deps.blobs.delete(blobName).catch(() => {});
  }
}

/** Which of the pieces before it a new one takes in: the last ones, as long as each is not much longer than it is then. */
export function copiedWith(before: readonly Piece[], lengthBytes: number): readonly Piece[] {
  let count = 0;
  let length = lengthBytes;
  for (const { sizeBytes } of before.toReversed()) {
    if (sizeBytes >= shrink * length) break;
    length += sizeBytes;
    count += 1;
  }
  return before.slice(before.length - count);
}
