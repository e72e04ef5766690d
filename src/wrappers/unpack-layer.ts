import type { ByteSource } from '../formats/byte-source.ts';
import type { ImageRefused } from '../formats/image-refused.ts';
import { type Decompressor, type PackedFacts, refusePacked } from './decompressor.ts';
import { InOrderReader } from './in-order-reader.ts';
import type { CompressedLayer } from './layer-report.ts';
import { earlyBytes } from './refuse-early.ts';
import type { UnwrapLimits } from './unwrap-limits.ts';
import { WorkFile } from './work-file.ts';

export interface UnpackOptions {
  readonly source: ByteSource;
  readonly decompressor: Decompressor;
  /** Where the work file is made. */
  readonly path: string;
  /** Refuses what is unpacked by its first `earlyBytes`, or all there are. */
  readonly refuseEarly: (head: Uint8Array) => Promise<void>;
  readonly limits: UnwrapLimits;
  readonly signal?: AbortSignal | undefined;
}

export interface UnpackedLayer {
  /** All that was in it, durable; whoever asked for it closes it. */
  readonly file: WorkFile;
  readonly report: CompressedLayer;
  /** The SHA-256 of the packed file, which was read from front to back. */
  readonly packedSha256: string;
}

/**
 * Unpacks a packed file into a work file. Ends as soon as what comes out can't be a disk, is more than a layer may hold,
 * finds no room, or stops coming out while the input goes on.
 *
 * @throws ImageRefused, UnpackFailed, what the source fails with
 */
export async function unpackLayer(options: UnpackOptions): Promise<UnpackedLayer> {
  const { source, decompressor, limits, signal } = options;
  const reader = new InOrderReader(source, { signal, maxSilentBytes: limits.maxSilentBytes, onSilence: silent });
  const facts: PackedFacts = { streams: undefined, ignoredBytes: 0, notes: [] };
  await using stack = new AsyncDisposableStack();
  const file = stack.use(await WorkFile.create(options.path, limits.minFreeBytes));
  stack.defer(() => reader.stop());
  const beginning = new Beginning(options.refuseEarly);
  for await (const chunk of decompressor.decompress({ reader, limits, facts, signal })) {
    signal?.throwIfAborted();
    if (file.sizeBytes + chunk.length > limits.maxBytes) throw tooBig();
    reader.heard();
    await beginning.add(chunk);
    await file.append(chunk);
  }
  await beginning.end();
  const packedSha256 = await reader.finish();
  await file.finish();
  await reader.stop();
  stack.move();
  const { name } = decompressor;
  return {
    file,
    packedSha256,
    report: { layer: name, packedBytes: source.sizeBytes, bytes: file.sizeBytes, ...facts },
  };

  function tooBig(): ImageRefused {
    const reason = `The ${decompressor.name} data holds more than ${limits.maxBytes} bytes, the most that is unpacked.`;
    return refusePacked(decompressor.name, 'too-big', reason);
  }

  function silent(): ImageRefused {
    const reason = `In the ${decompressor.name} data, ${limits.maxSilentBytes} bytes on end up to byte ${reader.position} hold nothing.`;
    return refusePacked(
      decompressor.name,
      'silent',
      reason,
      `Unpack it and import what is in it: ${decompressor.command}`,
    );
  }
}

/** The first bytes that come out, looked at when they are enough to tell what they are of. */
class Beginning {
  readonly #refuseEarly: UnpackOptions['refuseEarly'];
  #chunks: Uint8Array[] | undefined = [];
  #bytes = 0;

  constructor(refuseEarly: UnpackOptions['refuseEarly']) {
    this.#refuseEarly = refuseEarly;
  }

  async add(chunk: Uint8Array): Promise<void> {
    if (this.#chunks === undefined) return;
    this.#chunks.push(chunk.slice(0, earlyBytes));
    this.#bytes += chunk.length;
    if (this.#bytes >= earlyBytes) await this.end();
  }

  /** Nothing more comes, or it is enough. */
  async end(): Promise<void> {
    const chunks = this.#chunks;
    this.#chunks = undefined;
    if (chunks !== undefined) await this.#refuseEarly(Buffer.concat(chunks).subarray(0, earlyBytes));
  }
}
