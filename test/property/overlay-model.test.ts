import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Overlay } from '../../src/overlays/overlay.ts';
import { baseOf, createMemoryDevice } from '../fixtures/memory-device.ts';
import { blockBytes, type OverlayPlace, overlayPlace, readAll } from '../fixtures/test-overlay.ts';

/**
 * An overlay against memory: any sequence of writes, zeros, trims, flushes, freezes, drops, merges, compactions, resizes, closes
 * and kills keeps every byte of the disk and of its frozen layers. Power cuts are test/crash/overlay.test.ts.
 */

/** A busy machine explores less in place of taking longer. */
const exploreMs = 8_000;
const firstBlocks = 40;
const fileBytes = 16 * blockBytes;

interface Model {
  bytes: Buffer;
  base: Buffer;
  frozen: Buffer[];
}

/** An overlay that can be closed, killed and opened again. */
class Real implements AsyncDisposable {
  #place: OverlayPlace;
  #overlay: Overlay | undefined;

  constructor(place: OverlayPlace) {
    this.#place = place;
  }

  get overlay(): Overlay {
    if (this.#overlay === undefined) throw new Error('the overlay is not open');
    return this.#overlay;
  }

  async open(model: Model): Promise<void> {
    const options = { sizeBytes: model.bytes.length, base: baseOf(createMemoryDevice(model.base)), fileBytes };
    this.#overlay = await this.#place.open(options);
  }

  async close(): Promise<void> {
    await this.#overlay?.[Symbol.asyncDispose]();
  }

  /** Goes on with what is in the files now, as if the process had died. */
  async kill(): Promise<void> {
    const copy = await this.#place.copy();
    await this[Symbol.asyncDispose]();
    this.#place = copy;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    await this.#place[Symbol.asyncDispose]();
  }
}

async function check(model: Model, { overlay }: Real, behind: string): Promise<void> {
  assert.ok((await readAll(overlay)).equals(model.bytes), `the disk, behind ${behind}`);
  const layers = overlay.frozenLayers();
  assert.equal(layers.length, model.frozen.length, behind);
  for (const [at, layer] of layers.entries()) {
    const expected = model.frozen[at] ?? Buffer.alloc(0);
    assert.ok((await readAll(layer, 0, expected.length)).equals(expected), `frozen layer ${at}, behind ${behind}`);
  }
  let end = 0;
  for await (const { offset, length, kind } of overlay.extents(0, overlay.sizeBytes)) {
    assert.equal(offset, end);
    end += length;
    if (kind !== 'data')
      assert.ok(
        model.bytes.subarray(offset, end).every((byte) => byte === 0),
        `${kind}, behind ${behind}`,
      );
  }
  assert.equal(end, overlay.sizeBytes);
}

function step(name: string, run: (model: Model, real: Real) => Promise<void>): fc.AsyncCommand<Model, Real> {
  return {
    check: () => true,
    async run(model, real) {
      await run(model, real);
      await check(model, real, name);
    },
    toString: () => name,
  };
}

/** A range of the disk: whole blocks more often than not. */
const range = fc.record({
  at: fc.nat(10_000),
  blocks: fc.integer({ min: 1, max: 20 }),
  ragged: fc.constantFrom(0, 0, 0, 1, 700),
});

function placed({ at, blocks, ragged }: { at: number; blocks: number; ragged: number }, sizeBytes: number) {
  const offset = Math.min(sizeBytes - 1, (at % Math.ceil(sizeBytes / blockBytes)) * blockBytes + ragged);
  return { offset, length: Math.min(sizeBytes - offset, Math.max(1, blocks * blockBytes - 2 * ragged)) };
}

const commands = [
  fc.tuple(range, fc.integer({ min: 1, max: 255 }), fc.boolean()).map(([where, value, durable]) =>
    step(`write ${JSON.stringify(where)} ${value}`, async (model, { overlay }) => {
      const { offset, length } = placed(where, model.bytes.length);
      await overlay.writeAt(Buffer.alloc(length, value), offset, { durable });
      model.bytes.fill(value, offset, offset + length);
    }),
  ),
  range.map((where) =>
    step(`zero ${JSON.stringify(where)}`, async (model, { overlay }) => {
      const { offset, length } = placed(where, model.bytes.length);
      await overlay.zeroAt(offset, length);
      model.bytes.fill(0, offset, offset + length);
    }),
  ),
  fc.constant(step('flush', (_model, { overlay }) => overlay.flush())),
  fc.constant(
    step('freeze', async (model, { overlay }) => {
      if (model.frozen.length >= 6) return;
      const layer = await overlay.freeze();
      await layer.settle(); // else a kill may undo it
      model.frozen.push(Buffer.from(model.bytes));
    }),
  ),
  fc.nat(10).map((which) =>
    step(`drop ${which}`, async (model, { overlay }) => {
      const layers = overlay.frozenLayers();
      const through = layers[which % Math.max(1, layers.length)];
      if (through === undefined) return;
      model.base = model.frozen[layers.indexOf(through)] ?? model.base;
      model.frozen = model.frozen.slice(layers.indexOf(through) + 1);
      await overlay.rebase(baseOf(createMemoryDevice(model.base)), through);
    }),
  ),
  fc.nat(10).map((which) =>
    step(`merge ${which}`, async (model, { overlay }) => {
      const layers = overlay.frozenLayers();
      const layer = layers[which % Math.max(1, layers.length)];
      if (layer === undefined) return;
      model.frozen = model.frozen.toSpliced(layers.indexOf(layer), 1);
      await overlay.merge(layer);
    }),
  ),
  fc.constant(step('compact', (_model, { overlay }) => overlay.compact())),
  fc.constantFrom(0, 512, blockBytes, 3 * blockBytes + 512).map((more) =>
    step(`grow by ${more}`, async (model, { overlay }) => {
      if (model.bytes.length > 2 * firstBlocks * blockBytes) return;
      model.bytes = Buffer.concat([model.bytes, Buffer.alloc(more)]);
      await overlay.resize(model.bytes.length);
    }),
  ),
  fc.constant(
    step('close and open', async (model, real) => {
      await real.close();
      await real.open(model);
    }),
  ),
  fc.constant(
    step('kill and open', async (model, real) => {
      await real.kill();
      await real.open(model);
    }),
  ),
];

test('an overlay is a disk, whatever is done to it', { timeout: 120_000 }, async () => {
  const enough = performance.now() + exploreMs;
  await fc.assert(
    fc.asyncProperty(fc.nat(30), fc.commands(commands, { maxCommands: 40 }), async (baseBlocks, steps) => {
      if (performance.now() > enough) return; // what was begun is ended, and nothing more is begun
      const bytes = Buffer.alloc(firstBlocks * blockBytes + 512);
      const base = Buffer.alloc(baseBlocks * blockBytes + 100, 0xba);
      base.copy(bytes);
      const model: Model = { bytes, base, frozen: [] };
      await using real = new Real(await overlayPlace(bytes.length));
      await real.open(model);
      await fc.asyncModelRun(() => ({ model, real }), steps);
    }),
    { numRuns: 60 },
  );
});
