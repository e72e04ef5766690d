import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FrozenLayer } from '../../src/overlays/frozen-layer.ts';
import { openOverlay } from '../../src/overlays/open-overlay.ts';
import type { Overlay } from '../../src/overlays/overlay.ts';
import { OverlayFailed } from '../../src/overlays/overlay-failed.ts';
import { DiskModel } from '../fixtures/disk-model.ts';
import { baseOf, createMemoryDevice } from '../fixtures/memory-device.ts';
import { sha256Of } from './disk-files.ts';
import type { Random } from './random.ts';
import { Dead, type FileFault, VolatileFiles } from './volatile-files.ts';

/** An overlay on files that lose what was not synced, and what it told its user. */
export interface FragileOverlay extends AsyncDisposable {
  /** Works under a fault, then starts again on what survived and checks all of it. */
  round(fault: FileFault | undefined): Promise<{ readonly calls: number; readonly isCut: boolean }>;
}

const blockBytes = 4096;
const blocks = 48;
const sizeBytes = blocks * blockBytes;
/** So small that a round fills several. */
const fileBytes = 16 * blockBytes;

/** A frozen layer, what the disk was then, and whether it was said to be durable. */
interface FrozenModel {
  readonly number: number;
  readonly content: Buffer;
  isSettled: boolean;
}

export async function openFragileOverlay(random: Random): Promise<FragileOverlay> {
  await using opening = new AsyncDisposableStack();
  const parent = await mkdtemp(join(tmpdir(), 'obraz-fragile-'));
  opening.defer(() => rm(parent, { recursive: true, force: true }));
  const root = join(parent, 'overlays');
  const directory = join(root, 'disk');
  const files = opening.use(new VolatileFiles({ root, shadow: join(parent, 'shadow'), random }));
  const model = new DiskModel(blocks);
  let frozen: FrozenModel[] = [];
  let base: Uint8Array = new Uint8Array(0);
  let isCreated = false;
  let stamp = 0;

  function open(): Promise<Overlay> {
    const whenMissing = isCreated ? 'refuse' : 'create';
    return openOverlay({
      directory,
      sizeBytes,
      base: baseOf(createMemoryDevice(base), sha256Of(base)),
      whenMissing,
      fileBytes,
      compactsByItself: random.chance(0.5),
    });
  }

  /** Bytes that tell which change they are of, in every sector. */
  function newBytes(length: number): Buffer {
    stamp += 1;
    const bytes = Buffer.alloc(length, stamp % 251);
    for (let at = 0; at + 4 <= length; at += 512) bytes.writeUInt32LE(stamp, at);
    return bytes;
  }

  function change(overlay: Overlay, start: number, count: number): { blocks: number[]; done: Promise<unknown> } {
    const isWhole = random.chance(0.7);
    const offset = start * blockBytes + (isWhole ? 0 : random.below(blockBytes));
    const length = isWhole ? count * blockBytes : 1 + random.below(count * blockBytes - (offset % blockBytes));
    const isZero = random.chance(0.25);
    const durable = random.chance(0.2);
    const bytes = isZero ? Buffer.alloc(length) : newBytes(length);
    const begun = model.begin(offset, bytes);
    const call = isZero ? overlay.zeroAt(offset, length, { durable }) : overlay.writeAt(bytes, offset, { durable });
    const done = call.then(
      () => begun.ended(durable ? 'durable' : 'done'),
      (error: unknown) => {
        begun.ended('failed');
        throw error;
      },
    );
    return { blocks: Array.from({ length: count }, (_, at) => start + at), done };
  }

  /** Changes of blocks that do not overlap, at once, and something else beside them. */
  async function step(overlay: Overlay): Promise<void> {
    const under = new Set<number>();
    const work: Promise<unknown>[] = [];
    for (let count = random.below(4); count > 0; count -= 1) {
      const start = random.below(blocks - 6);
      const length = 1 + random.below(6);
      const isFree = Array.from({ length }, (_, at) => start + at).every((block) => !under.has(block));
      if (!isFree) continue;
      const begun = change(overlay, start, length);
      for (const block of begun.blocks) under.add(block);
      work.push(begun.done);
    }
    const what = random.below(10);
    if (what < 4) work.push(overlay.flush().then(() => model.flushed(under)));
    else if (what === 4) work.push(overlay.compact());
    else if (what === 5 && overlay.frozenLayers().length < 5) work.push(freeze(overlay));
    else if (what === 6) work.push(settleOrDrop(overlay));
    throwFirst(await Promise.allSettled(work));
  }

  async function freeze(overlay: Overlay): Promise<void> {
    const layer = await overlay.freeze();
    const content = await readAll(layer);
    assert.ok(model.couldBe(content), 'a frozen layer has what the disk had');
    frozen.push({ number: layer.number, content, isSettled: false });
    if (!random.chance(0.5)) return;
    await layer.settle();
    settled(layer.number);
  }

  function settled(number: number): void {
    for (const layer of frozen) if (layer.number <= number) layer.isSettled = true;
  }

  async function settleOrDrop(overlay: Overlay): Promise<void> {
    const layers = overlay.frozenLayers();
    const layer = layers[random.below(layers.length + 1)];
    if (layer === undefined) return;
    await layer.settle();
    settled(layer.number);
    const content = await readAll(layer);
    const next = baseOf(createMemoryDevice(content), sha256Of(content));
    await overlay.allowBase(next.id);
    // It is the base for good, and then the overlay is told.
    base = content;
    const dropped = frozen.filter(({ number }) => number <= layer.number);
    frozen = frozen.filter((other) => !dropped.includes(other));
    await overlay.rebase(next, layer);
  }

  async function check(overlay: Overlay, isAfter: 'nothing' | 'kill' | 'power cut'): Promise<void> {
    const layers = new Map<number, FrozenLayer>(overlay.frozenLayers().map((layer) => [layer.number, layer]));
    const kept: FrozenModel[] = [];
    for (const known of frozen) {
      const layer = layers.get(known.number);
      if (layer === undefined) {
        assert.ok(!known.isSettled && isAfter !== 'nothing', `settled layer ${known.number} is gone after ${isAfter}`);
        continue;
      }
      const content = await readAll(layer);
      const isExact = known.isSettled || isAfter === 'nothing';
      if (isExact)
        assert.ok(content.equals(known.content), `frozen layer ${known.number} has changed after ${isAfter}`);
      kept.push({ ...known, content });
    }
    frozen = kept;
    model.check(await readAll(overlay), isAfter, 'the disk');
  }

  async function readAll(device: Overlay | FrozenLayer): Promise<Buffer> {
    const bytes = Buffer.alloc(device.sizeBytes);
    await device.readAt(bytes, 0);
    return bytes;
  }

  async function round(fault: FileFault | undefined) {
    files.setFault(fault);
    let overlay: Overlay | undefined;
    const _isAfterFlushFailed = false;
    try {
      overlay = await open();
      isCreated = true;
      for (let count = 3 + random.below(12); count > 0; count -= 1) {
        try {
          await step(overlay);
        } catch (error) {
          if (!(error instanceof OverlayFailed) || files.isDead) throw error;
          await overlay.flush().then(
            () => model.flushed(),
            () => {},
          );
        }
        if (!files.isDead) await check(overlay, 'nothing');
      }
      await overlay[Symbol.asyncDispose]();
      model.flushed();
    } catch (error) {
      await closed(overlay);
      const isExpected = error instanceof OverlayFailed || error instanceof Dead;
      if (!isExpected || fault === undefined) throw error;
    }
    const { calls, isCut } = files;
    files.restart();
    {
      await using again = await open();
      isCreated = true;
      await check(again, isCut ? 'power cut' : 'kill');
    }
    model.flushed();
    return { calls, isCut };
  }

  const owned = opening.move();
  return { round, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function throwFirst(results: readonly PromiseSettledResult<unknown>[]): void {
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

async function closed(overlay: Overlay | undefined): Promise<void> {
  try {
    await overlay?.[Symbol.asyncDispose]();
  } catch {
    // It failed, as it was made to.
  }
}
