import type { ByteSource, ReadOptions } from '../formats/byte-source.ts';
import { ImageRefused } from '../formats/image-refused.ts';
import { hasMark, readProbe } from '../formats/probe.ts';
import type { FileForm } from './file-form.ts';
import { gzip } from './gzip.ts';
import { type LayerReport, nameOfLayer } from './layer-report.ts';
import { recogniseWrapper, type Wrapper } from './recognise-wrapper.ts';
import { refuseEarly, tooManyLayers } from './refuse-early.ts';
import { refusedWithin } from './refused-within.ts';
import { openRawTar, packRawTar, refuseOtherTars } from './tar/open-raw-tar.ts';
import { openTar } from './tar/open-tar.ts';
import type { OpenArchiveOptions, OpenedArchive } from './tar/opened-archive.ts';
import { maxLayers } from './unwrap-limits.ts';

/** Which wrappers a file has around its disk, and what is refused on the way there. Everything throws ImageRefused. */
export interface LayerRules {
  /** The wrapper to take off `source`, which was found in `layers`; undefined when it is the disk. */
  nextWrapper(source: ByteSource, layers: readonly LayerReport[], options: ReadOptions): Promise<Wrapper | undefined>;
  /**
   * Refuses what is unpacked from the layer `name`, the `depth`th, by its first `earlyBytes` or all there are: before the
   * rest is unpacked.
   */
  refuseEarly(head: Uint8Array, name: string, depth: number): Promise<void>;
  openArchive(archive: ByteSource, options: OpenArchiveOptions): Promise<OpenedArchive>;
  /** Does something with a file out of these layers; a refusal of it says so, where that is news. */
  within<T>(layers: readonly LayerReport[], work: () => Promise<T>): Promise<T>;
}

export function rulesOf(form: FileForm): LayerRules {
  return form === 'any' ? anyLayers : rawTarGz;
}

const anyLayers: LayerRules = {
  async nextWrapper(source, layers, options) {
    if (source.sizeBytes === 0) return undefined;
    const wrapper = recogniseWrapper(await readProbe(source, options));
    if (wrapper !== undefined && layers.length === maxLayers) throw tooManyLayers();
    return wrapper;
  },
  refuseEarly: (head, name, depth) => sayWhere([name], () => refuseEarly(head, depth)),
  openArchive: openTar,
  within: (layers, work) => sayWhere(layers.map(nameOfLayer), work),
};

const rawTarGz: LayerRules = {
  async nextWrapper(source, layers, options) {
    const [packed] = layers;
    if (packed === undefined) {
      if (!hasMark(await source.read(0, Math.min(2, source.sizeBytes), options), 0, '\x1f\x8b')) throw notGzip();
      return gzip;
    }
    // What is behind the gzip data some programs leave aside, and others call the file damaged.
    if ('ignoredBytes' in packed && packed.ignoredBytes > 0) throw behindGzip(packed.ignoredBytes);
    return { name: 'tar' };
  },
  refuseEarly: async (head) => refuseOtherTars(head),
  openArchive: openRawTar,
  within: (_layers, work) => work(),
};

function notGzip(): ImageRefused {
  return new ImageRefused({
    check: 'layers.not-gzip',
    reason: 'The file is not packed with gzip.',
    remedy: packRawTar,
  });
}

function behindGzip(bytes: number): ImageRefused {
  const reason = `The file goes on for ${bytes} bytes behind its gzip data.`;
  return new ImageRefused({ check: 'gzip.trailing-bytes', reason, remedy: packRawTar });
}

async function sayWhere<T>(around: readonly string[], work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ImageRefused) || around.length === 0) throw error;
    throw refusedWithin(around, error);
  }
}
