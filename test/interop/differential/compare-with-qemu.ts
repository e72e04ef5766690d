import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { OpenedDisk } from '../../../src/formats/disk-format.ts';
import { ImageRefused } from '../../../src/formats/image-refused.ts';
import { createMappedDevice } from '../../../src/formats/mapped-device.ts';
import { openDisk } from '../../../src/formats/open-disk.ts';
import { openFileSource } from '../../fixtures/file-source.ts';
import { temporaryFolder } from '../../fixtures/qemu.ts';

const run = promisify(execFile);

/** Disks that are larger are not compared: a changed number can make one of terabytes out of nothing. */
export const maxComparedBytes = 96 * 2 ** 20;

/** A file that qemu-img has not read by then, it will not read. */
const qemuTimeoutMs = 20_000;

/** What our reader makes of a file. */
export type Ours =
  | { readonly kind: 'read'; readonly disk: OpenedDisk; readonly bytes: Buffer }
  | { readonly kind: 'refused'; readonly check: string; readonly reason: string }
  | { readonly kind: 'too-large'; readonly sizeBytes: number };

/** What qemu-img makes of it. `bytes` of more than `maxComparedBytes` are left out. */
export type Theirs =
  | { readonly kind: 'read'; readonly sizeBytes: number; readonly bytes: Buffer }
  | { readonly kind: 'refused'; readonly reason: string };

/** One file, and what came of it on both sides. */
export interface Comparison {
  readonly path: string;
  readonly ours: Ours;
  readonly theirs: Theirs;
}

/** Reads a file as an import would, or is refused. */
export async function readWithOurs(path: string): Promise<Ours> {
  await using source = await openFileSource(path);
  try {
    const disk = await openDisk(source);
    await using device = createMappedDevice(disk.source, disk.map);
    const { sizeBytes } = device;
    if (sizeBytes > maxComparedBytes) return { kind: 'too-large', sizeBytes };
    const bytes = Buffer.alloc(sizeBytes);
    await device.readAt(bytes, 0);
    return { kind: 'read', disk, bytes };
  } catch (failure) {
    if (!(failure instanceof ImageRefused)) throw failure;
    return { kind: 'refused', check: failure.check, reason: failure.reason };
  }
}

/** The same by `qemu-img convert`, which finds out the format by itself unless it is told, in QEMU's word for it. */
export async function readWithQemu(path: string, format?: string): Promise<Theirs> {
  await using folder = await temporaryFolder();
  const raw = folder.path('guest.raw');
  const told = format === undefined ? [] : ['-f', format];
  try {
    await run('qemu-img', ['convert', ...told, '-O', 'raw', path, raw], { timeout: qemuTimeoutMs });
  } catch (failure) {
    return { kind: 'refused', reason: reasonOf(failure) };
  }
  const { size: sizeBytes } = await stat(raw);
  const bytes = sizeBytes > maxComparedBytes ? Buffer.alloc(0) : await readFile(raw);
  return { kind: 'read', sizeBytes, bytes };
}

/** What qemu-img said, or that it said nothing. */
function reasonOf(failure: unknown): string {
  if (!(failure instanceof Error)) return String(failure);
  const said = 'stderr' in failure && typeof failure.stderr === 'string' ? failure.stderr.trim() : '';
  return said === '' ? failure.message : said;
}

/** Whether both read the same disk, or neither reads one. */
export function isAgreed({ ours, theirs }: Comparison): boolean {
  if (ours.kind === 'read' && theirs.kind === 'read') return ours.bytes.equals(theirs.bytes);
  return ours.kind === 'refused' && theirs.kind === 'refused';
}

/** A disagreement in a line, for a person. */
export function describeComparison({ path, ours, theirs }: Comparison): string {
  const [us, them] = [ours, theirs].map((side) => {
    if (side.kind === 'refused') return `refused (${'check' in side ? `${side.check}: ` : ''}${side.reason})`;
    return `read ${'sizeBytes' in side ? side.sizeBytes : side.bytes.length} bytes`;
  });
  const where =
    ours.kind === 'read' && theirs.kind === 'read'
      ? `; they differ from byte ${firstDifference(ours.bytes, theirs.bytes)}`
      : '';
  const format = ours.kind === 'read' ? ` (as ${ours.disk.format})` : '';
  return `${path}: Obraz ${us}${format}, qemu-img ${them}${where}`;
}

function firstDifference(a: Buffer, b: Buffer): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) if (a[at] !== b[at]) return at;
  return length;
}
