import { rm } from 'node:fs/promises';
import type { ByteSource } from '../formats/byte-source.ts';
import type { DiskFormat } from '../formats/disk-format.ts';
import type { FileForm } from './file-form.ts';
import type { LayerReport } from './layer-report.ts';
import { rulesOf } from './layer-rules.ts';
import type { Wrapper } from './recognise-wrapper.ts';
import { unpackFailure } from './unpack-failed.ts';
import { unpackLayer } from './unpack-layer.ts';
import { defaultUnwrapLimits, type UnwrapLimits } from './unwrap-limits.ts';
import type { WorkFile } from './work-file.ts';
import { removeUnpacked, reopenUnpacked, workFilePath, writeWorkRecord } from './work-record.ts';

export interface UnwrapOptions {
  /** What the file is to be; `any` when it is not said. */
  readonly form?: FileForm | undefined;
  /** Where work files may be made, `<workPath>-1` and so on, and `<workPath>.json`. One caller at a time; the folder exists. */
  readonly workPath: string;
  /**
   * Names the version of the source, where that can be told: what an earlier call unpacked of the same one is used again.
   * Undefined: everything is unpacked anew.
   */
  readonly sourceKey?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly limits?: Partial<UnwrapLimits> | undefined;
  /** Called when a layer begins to be unpacked, which may take long. */
  readonly onUnpacking?: (() => void) | undefined;
  /**
   * Called before parts of the source are read that will be read again (an OVA is held against its manifest, then
   * imported): makes a copy of it, if it is far away, from which it is read after that; returns its SHA-256 in
   * hexadecimal digits.
   */
  readonly makeLocal?: (() => Promise<string>) | undefined;
}

/** What is left of a file when all wrappers are off. Dispose it to close the work file, which stays where it is. */
export interface Unwrapped extends AsyncDisposable {
  /** The disk file: the source itself, a view of it, a work file or a view of that. Closed with this, not by itself. */
  readonly source: ByteSource;
  /** What was taken off, the outermost first; empty when nothing was around the file. */
  readonly layers: readonly LayerReport[];
  /** The disk's format, where an archive says it; undefined: it is to be looked for in the source. */
  readonly format: DiskFormat | undefined;
  /** The SHA-256 of the source in hexadecimal digits, where it was read from front to back on the way. */
  readonly sourceSha256: string | undefined;
}

/** Where the unwrapping stands. */
interface State {
  readonly source: ByteSource;
  readonly layers: readonly LayerReport[];
  readonly format: DiskFormat | undefined;
  readonly sourceSha256: string | undefined;
  /** The work file that `source` is, or is a view of. */
  readonly file: WorkFile | undefined;
}

/**
 * Takes off what is around a disk file: gzip, xz, zstd, bzip2, tar and OVA, up to three of them in each other, told by
 * their bytes and never by a name. What is packed is unpacked into a sparse work file; archives are read where they
 * stand. The source stays the caller's. A file that is to be of one form has the layers of that form, or is refused.
 *
 * Memory: at most 9 MiB of packed bytes, the window or dictionary that the format takes (64 MiB at most), a few MiB of
 * output, and a thread's own 20 MiB for xz and bzip2; 24 MiB for the map of a sparse member.
 *
 * @throws ImageRefused, with the layers that the fault is in; UnpackFailed when there is no room; what the source fails
 *   with; the signal's reason
 */
export async function unwrap(source: ByteSource, options: UnwrapOptions): Promise<Unwrapped> {
  const { workPath, signal, form = 'any' } = options;
  const rules = rulesOf(form);
  const sourceKey = keyOf(options);
  const kept = sourceKey === undefined ? undefined : await reopenUnpacked(workPath, sourceKey);
  let state: State = { source, layers: [], format: undefined, sourceSha256: undefined, file: undefined };
  if (kept === undefined)
    await removeUnpacked(workPath).catch((error: unknown) => Promise.reject(unpackFailure(error)));
  else state = { ...state, ...kept, source: kept.file };
  try {
    for (;;) {
      if (state.format !== undefined) return finished(state);
      const { source: rest, layers } = state;
      const wrapper = await rules.within(layers, () => rules.nextWrapper(rest, layers, { signal }));
      if (wrapper === undefined) return finished(state);
      state = await rules.within(layers, () => takeOff(wrapper, state, options));
    }
  } catch (error) {
    await state.file?.[Symbol.asyncDispose]();
    throw error;
  }
}

/** What was unpacked as one form may be used again as that form alone: what was refused on the way is not the same. */
function keyOf({ sourceKey, form = 'any' }: UnwrapOptions): string | undefined {
  return sourceKey === undefined || form === 'any' ? sourceKey : `${form} ${sourceKey}`;
}

async function takeOff(wrapper: Wrapper, state: State, options: UnwrapOptions): Promise<State> {
  const { source, layers } = state;
  const { workPath, signal, form = 'any' } = options;
  const rules = rulesOf(form);
  const sourceKey = keyOf(options);
  const limits = { ...defaultUnwrapLimits, ...options.limits };
  if (wrapper.name === 'tar') {
    let { sourceSha256 } = state;
    const makeLocal = async () => {
      if (layers.length === 0) sourceSha256 = await options.makeLocal?.();
    };
    const { source: disk, report, format } = await rules.openArchive(source, { limits, signal, makeLocal });
    return { ...state, source: disk, layers: [...layers, report], format, sourceSha256 };
  }
  options.onUnpacking?.();
  const depth = layers.length + 1;
  const path = workFilePath(workPath, depth);
  const { file, report, packedSha256 } = await unpackLayer({
    source,
    decompressor: wrapper,
    path,
    refuseEarly: (head) => rules.refuseEarly(head, wrapper.name, depth),
    limits,
    signal,
  });
  try {
    const next: State & { file: WorkFile } = {
      source: file,
      layers: [...layers, report],
      format: undefined,
      sourceSha256: layers.length === 0 ? packedSha256 : state.sourceSha256,
      file,
    };
    if (sourceKey !== undefined) await writeWorkRecord(workPath, sourceKey, next);
    await state.file?.[Symbol.asyncDispose]();
    for (let earlier = 1; earlier < depth; earlier++) await rm(workFilePath(workPath, earlier), { force: true });
    return next;
  } catch (error) {
    await file[Symbol.asyncDispose]();
    throw unpackFailure(error);
  }
}

function finished({ source, layers, format, sourceSha256, file }: State): Unwrapped {
  return { source, layers, format, sourceSha256, [Symbol.asyncDispose]: async () => file?.[Symbol.asyncDispose]() };
}
