import { Mutex } from '../lib/mutex.ts';
import { syncDirectory } from '../lib/write-file-durably.ts';
import { GroupCommit } from './group-commit.ts';
import { LayerIndex } from './layer-index.ts';
import { LogFile, type LogFilePlace } from './log-file.ts';
import { fileBlocksMax, indexEntriesMax } from './log-format.ts';
import { LogPlaces } from './log-places.ts';
import { type Manifest, writeManifest } from './manifest.ts';
import { isOutOfSpace, OverlayFailed, overlayFailedBy, SyncFailed } from './overlay-failed.ts';

/** What was written between two freezes. */
export interface Layer {
  readonly number: number;
  readonly index: LayerIndex;
  /** In the order of the log. */
  files: readonly LogFile[];
}

export interface LogSetOptions extends LogFilePlace {
  /** A file is full when it has this many blocks; at most `fileBlocksMax`. */
  readonly fileBlocks: number;
  /** Work in the background failed; it is done again when it has to be. */
  onProblem(error: OverlayFailed): void;
}

/**
 * The log files of an overlay and the manifest that lists them. The next file is made before it is needed, so that neither a
 * full file nor a freeze waits for the disk. These hold at every moment, also for what a crash leaves:
 *
 * - a file that the manifest lists is there, with a durable header, and a file that has data is listed;
 * - a file is only removed once a durable manifest no longer lists it;
 * - files are sealed in the order of the log, and a file is begun only when all but the one before it
 *   are sealed, and listed as sealed.
 */
export class LogSet implements AsyncDisposable {
  readonly fileBlocks: number;
  readonly places = new LogPlaces();
  readonly #options: LogSetOptions;
  readonly #syncing = new GroupCommit(() => this.#syncFiles());
  readonly #saving = new GroupCommit(() => this.#saveManifest());
  readonly #sealing = new Mutex();
  readonly #preparing = new Mutex();
  /** Oldest first; the last one is written to. */
  #layers: readonly Layer[] = [];
  #current: LogFile | undefined;
  /** Listed, empty, and next. */
  #spare: LogFile | undefined;
  /** Made, and not known to be listed. */
  #unlisted: LogFile | undefined;
  /** Full or frozen, and not sealed. */
  #ended: LogFile[] = [];
  /** A file is sealed, and the manifest does not say so yet. */
  #hasUnlistedSeals = false;
  /** To be removed when no manifest lists them. */
  #garbage: LogFile[] = [];
  #background: Promise<void> = Promise.resolve();
  #isClosing = false;
  #failure: OverlayFailed | undefined;
  #sizeBytes: number;
  #baseIds: readonly string[];
  #nextFile: number;
  #sealedSequence: number;
  /** Of the last batch that was written, and of the last that is known to be durable. */
  lastSequence = 0;
  syncedSequence = 0;
  /** Called when a file was sealed: there may be one that is mostly dead by now. */
  onSealed: () => void = () => {};

  constructor(
    options: LogSetOptions,
    { sizeBytes, baseIds, nextFile, sealedSequence }: Omit<Manifest, 'id' | 'layers'>,
  ) {
    this.#options = options;
    this.fileBlocks = Math.min(options.fileBlocks, fileBlocksMax);
    this.#sizeBytes = sizeBytes;
    this.#baseIds = baseIds;
    this.#nextFile = nextFile;
    this.#sealedSequence = sealedSequence;
  }

  get layers(): readonly Layer[] {
    return this.#layers;
  }

  get active(): Layer {
    const layer = this.#layers.at(-1);
    if (layer === undefined) throw new Error('an overlay without a layer');
    return layer;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Throws what every change is answered with after a failed fsync. */
  throwIfFailed(): void {
    if (this.#failure === undefined) return;
    throw new OverlayFailed('EIO', `the overlay failed earlier: ${this.#failure.message}`, this.#failure);
  }

  // --- Making it, from what was found on the disk.

  addLayer(number: number, files: readonly LogFile[]): Layer {
    const layer = { number, index: new LayerIndex(this.places), files };
    this.#layers = [...this.#layers, layer];
    return layer;
  }

  /** Takes a listed file without a batch for the next one, if none is known. */
  offerSpare(file: LogFile): void {
    if (this.#spare === undefined) this.#spare = file;
    else this.#garbage.push(file);
  }

  /** The file counts up to its end, and is to be sealed before anything more is written. */
  addEnded(file: LogFile): void {
    this.#ended.push(file);
  }

  // --- Writing.

  /** The file that the next batch goes to. Throws `ENOSPC` when there is no room for one, and may then be called again. */
  async fileFor(dataBlocks: number, entries: number): Promise<LogFile> {
    this.throwIfFailed();
    const full = this.#current;
    if (full !== undefined && this.#hasRoom(full, dataBlocks, entries)) return full;
    await this.makeReady();
    const file = this.#takeSpare();
    this.active.files = [...this.active.files, file];
    if (full !== undefined) this.#ended.push(full);
    this.#current = file;
    this.#prepareInBackground();
    return file;
  }

  /** Makes everything durable that was written before the call. */
  async sync(): Promise<void> {
    this.throwIfFailed();
    await this.#syncing.wait();
  }

  /** Has the next file at hand, durably listed, as all seals are. */
  async makeReady(): Promise<void> {
    await this.sealEnded();
    await this.#prepareSpare();
    if (this.#hasUnlistedSeals) await this.#saving.wait();
  }

  #prepareSpare(): Promise<void> {
    return this.#preparing.run(async () => {
      this.throwIfFailed();
      if (this.#spare !== undefined) return;
      try {
        this.#unlisted ??= await this.#createFile();
      } catch (error) {
        throw overlayFailedBy(error, 'a new log file');
      }
      await this.#saving.wait();
      this.#spare = this.#unlisted;
      this.#unlisted = undefined;
    });
  }

  get hasSpare(): boolean {
    return this.#spare !== undefined;
  }

  /** Begins a new layer. No batch may be under way, and there must be a spare. */
  freeze(): Layer {
    const frozen = this.active;
    const current = this.#current;
    const isUntouched = current !== undefined && current.lastSequence === 0;
    if (isUntouched) frozen.files = frozen.files.filter((file) => file !== current);
    else if (current !== undefined) this.#ended.push(current);
    const first = isUntouched ? current : this.#takeSpare();
    this.#current = first;
    this.addLayer(frozen.number + 1, [first]);
    this.#prepareInBackground();
    return frozen;
  }

  /** Makes all frozen layers and the border to the active one durable. */
  async settle(): Promise<void> {
    this.throwIfFailed();
    await this.sealEnded();
    await this.#saving.wait();
    this.#prepareInBackground();
  }

  async resize(sizeBytes: number): Promise<void> {
    const before = this.#sizeBytes;
    this.#sizeBytes = sizeBytes;
    try {
      await this.save();
    } catch (error) {
      this.#sizeBytes = before;
      throw error;
    }
  }

  /** Lets the manifest say, durably, that the base may be this one as well. */
  async allowBase(baseId: string): Promise<void> {
    const before = this.#baseIds;
    this.#baseIds = [...before.filter((other) => other !== baseId), baseId];
    try {
      await this.save();
    } catch (error) {
      this.#baseIds = before;
      throw error;
    }
  }

  /** From the next manifest on the base can be none that was allowed before this one; who allowed another since may still need it. */
  settleBase(baseId: string): void {
    const later = this.#baseIds.slice(this.#baseIds.indexOf(baseId) + 1);
    this.#baseIds = this.#baseIds.includes(baseId) ? [baseId, ...later] : [baseId];
  }

  // --- Giving space back.

  /** Takes frozen layers out, with their files. Nobody may be reading them. The files go with the next manifest. */
  removeLayers(through: number): Promise<void> {
    return this.#sealing.run(async () => {
      const removed = this.#layers.filter(({ number }) => number <= through && number < this.active.number);
      const files = removed.flatMap((layer) => layer.files);
      this.#layers = this.#layers.filter((layer) => !removed.includes(layer));
      // There may be no room for an index, and nobody needs it any more.
      this.#ended = this.#ended.filter((file) => !files.includes(file));
      for (const { lastSequence } of files) this.#sealedSequence = Math.max(this.#sealedSequence, lastSequence);
      this.#garbage.push(...files);
    });
  }

  /** Makes a frozen layer and the one above it one layer, the upper one, whose index has taken over what the lower one said. */
  mergeUp(layer: Layer): void {
    this.above(layer).files = [...layer.files, ...this.above(layer).files];
    this.#layers = this.#layers.filter((other) => other !== layer);
  }

  above(layer: Layer): Layer {
    const above = this.#layers[this.#layers.indexOf(layer) + 1];
    if (above === undefined || above === this.#layers[0]) throw new Error(`layer ${layer.number} is not frozen`);
    return above;
  }

  /** Takes a sealed file out of the active layer. It is there until it is discarded. */
  removeFile(file: LogFile): void {
    this.active.files = this.active.files.filter((other) => other !== file);
  }

  /** A file that no layer has goes with the next manifest. Nobody may be reading it. */
  discard(file: LogFile): void {
    this.#garbage.push(file);
  }

  /** Makes the manifest say what is true now, and then removes what is no longer listed. */
  async save(): Promise<void> {
    this.throwIfFailed();
    await this.#saving.wait();
  }

  /** Makes everything durable, or throws; and seals the log, so that it opens fast. No batch may be under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    await this.#background;
    try {
      await this.sync(); // throws, too, when one has failed before
      if (this.#current !== undefined && this.#current.lastSequence > 0) this.#ended.push(this.#current);
      this.#current = undefined;
      // All is durable by now; without room for an index the next open has more to read.
      await this.sealEnded().catch((error: OverlayFailed) => this.#options.onProblem(error));
      if (this.#failure === undefined)
        await this.save().catch((error: OverlayFailed) => this.#options.onProblem(error));
    } finally {
      await this.#options.handles[Symbol.asyncDispose]();
    }
  }

  #hasRoom(file: LogFile, dataBlocks: number, entries: number): boolean {
    const entriesThere = file.entries?.count ?? 0;
    return file.endBlock + 1 + dataBlocks <= this.fileBlocks && entriesThere + entries <= indexEntriesMax;
  }

  #takeSpare(): LogFile {
    const spare = this.#spare;
    if (spare === undefined) throw new Error('no file is ready to be written to');
    this.#spare = undefined;
    return spare;
  }

  async #createFile(): Promise<LogFile> {
    const fileNumber = this.#nextFile;
    this.#nextFile += 1;
    const file = await LogFile.create(this.#options, fileNumber);
    try {
      // Its name has to be durable before a manifest has it.
      await syncDirectory(this.#options.directory);
      this.places.adopt(file);
    } catch (error) {
      await file.remove().catch(() => {}); // nothing knows of it, and the next start removes what nothing knows of
      throw error;
    }
    return file;
  }

  #prepareInBackground(): void {
    this.#background = this.#background
      .then(async () => {
        if (this.#failure !== undefined || this.#isClosing) return;
        await this.makeReady();
      })
      .catch((error: OverlayFailed) => this.#options.onProblem(error));
  }

  /** Seals what is full or frozen. Throws `ENOSPC` when there is no room for it, and may then be called again. */
  sealEnded(): Promise<void> {
    return this.#sealing.run(async () => {
      for (let file = this.#ended[0]; file !== undefined; file = this.#ended[0]) {
        try {
          await file.seal();
        } catch (error) {
          throw this.#failed(error, 'the index of a log file');
        }
        this.#sealedSequence = Math.max(this.#sealedSequence, file.lastSequence);
        this.#hasUnlistedSeals = true;
        this.#ended.shift();
        this.onSealed();
      }
    });
  }

  async #syncFiles(): Promise<void> {
    const { lastSequence } = this;
    // All others are sealed, and so were synced.
    const written = this.#current === undefined ? this.#ended : [...this.#ended, this.#current];
    try {
      await Promise.all(written.map((file) => file.sync()));
    } catch (error) {
      throw this.#failed(error, 'fsync');
    }
    this.syncedSequence = lastSequence;
  }

  async #saveManifest(): Promise<void> {
    this.throwIfFailed();
    const { directory, overlayId } = this.#options;
    const next = this.#spare ?? this.#unlisted;
    const isLast = (layer: Layer): boolean => layer === this.active;
    const garbage = this.#garbage;
    this.#garbage = [];
    this.#hasUnlistedSeals = false;
    const manifest: Manifest = {
      id: overlayId,
      sizeBytes: this.#sizeBytes,
      baseIds: this.#baseIds,
      nextFile: this.#nextFile,
      sealedSequence: this.#sealedSequence,
      layers: this.#layers.map((layer) => ({
        number: layer.number,
        files: [...layer.files, ...(isLast(layer) && next !== undefined ? [next] : [])].map((file) => ({
          number: file.number,
          sealedBlocks: file.isSealed ? file.endBlock : 0,
        })),
      })),
    };
    try {
      await writeManifest(directory, manifest);
    } catch (error) {
      this.#garbage.push(...garbage);
      this.#hasUnlistedSeals = true;
      // Without room, the old one stands. After anything else nobody knows which one a crash would leave.
      if (isOutOfSpace(error)) throw overlayFailedBy(error, 'the manifest');
      throw this.#failed(new SyncFailed(directory, error), 'the manifest');
    }
    for (const file of garbage) await this.#remove(file);
  }

  async #remove(file: LogFile): Promise<void> {
    this.places.release(file);
    // A file that stays is removed at the next start. A sync that is under way must not find it closed.
    await file.sync().catch(() => {});
    await file.remove().catch((error: unknown) => this.#options.onProblem(overlayFailedBy(error, 'an old log file')));
  }

  #failed(error: unknown, what: string): OverlayFailed {
    const failed = overlayFailedBy(error, what);
    if (failed instanceof SyncFailed) this.#failure ??= failed;
    return failed;
  }
}
