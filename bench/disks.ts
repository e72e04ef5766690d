import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BenchContext } from './benchmark.ts';
import { copyFileTree } from './file-tree.ts';
import { runProgram } from './run-program.ts';
import { writeSyntheticDisk } from './synthetic-disk.ts';

/** A disk file to import. */
export interface DiskFile {
  /** What it is, in a word or two. */
  readonly name: string;
  readonly path: string;
  /** Guest bytes in it that are not holes or zeros. */
  readonly dataBytes: number;
}

/** One disk in every container that is measured, and the disk that is built when its file system has one package more. */
export interface Disks {
  readonly folder: string;
  readonly zlib: DiskFile;
  readonly zstd: DiskFile;
  readonly raw: DiskFile;
  /** streamOptimized, as exports of virtual machines are. */
  readonly vmdk: DiskFile;
  readonly vhd: DiskFile;
  readonly vhdx: DiskFile;
  readonly rebuilt: DiskFile;
}

/** Much larger than its data, as disks are. */
const diskSize = '4G';

/**
 * A Linux system's own files in a file system, in a disk: of all files under /usr as many as make `dataMb`. Made once.
 * Where mke2fs is missing the disk is synthetic.
 */
export async function makeDisks({ cacheFolder, dataMb, say }: BenchContext): Promise<Disks> {
  const hasMke2fs = spawnSync('mke2fs', ['-V']).status === 0;
  const folder = join(cacheFolder, `${hasMke2fs ? 'ext4' : 'synthetic'}-${dataMb}`);
  await mkdir(folder, { recursive: true });
  const make = async (path: string, more: number) => {
    if (!hasMke2fs) return writeSyntheticDisk(path, { seed: 1, dataMb, insertedMb: more });
    const tree = join(folder, 'tree');
    await copyFileTree(['/usr/bin', '/usr/lib', '/usr/share'], tree, { wantedMb: dataMb, moreMb: more });
    await runProgram('mke2fs', '-q', '-t', 'ext4', '-d', tree, path, diskSize);
    await rm(tree, { recursive: true });
  };
  const cached = async (name: string, write: (path: string) => Promise<unknown>): Promise<string> => {
    const path = join(folder, name);
    if (existsSync(path)) return path;
    say(`making ${path}`);
    await write(`${path}.part`);
    await rename(`${path}.part`, path);
    return path;
  };
  const raw = await cached('disk.raw', (path) => make(path, 0));
  const rebuiltRaw = await cached('rebuilt.raw', (path) => make(path, 10));
  const zlib = await cached('disk-zlib.qcow2', (path) => compress(raw, path, 'zlib'));
  const zstd = await cached('disk-zstd.qcow2', (path) => compress(raw, path, 'zstd'));
  const vmdk = await cached('disk-stream.vmdk', (path) => convertTo('vmdk', 'streamOptimized', raw, path));
  const vhd = await cached('disk.vhd', (path) => convertTo('vpc', 'dynamic', raw, path));
  const vhdx = await cached('disk.vhdx', (path) => convertTo('vhdx', 'dynamic', raw, path));
  const rebuilt = await cached('rebuilt-zlib.qcow2', (path) => compress(rebuiltRaw, path, 'zlib'));
  const dataBytes = await countDataBytes(zlib);
  return {
    folder,
    zlib: { name: 'qcow2 zlib', path: zlib, dataBytes },
    zstd: { name: 'qcow2 zstd', path: zstd, dataBytes },
    raw: { name: 'raw', path: raw, dataBytes },
    vmdk: { name: 'VMDK streamOptimized', path: vmdk, dataBytes },
    vhd: { name: 'VHD dynamic', path: vhd, dataBytes },
    vhdx: { name: 'VHDX dynamic', path: vhdx, dataBytes },
    rebuilt: { name: 'rebuilt with 10 MB more', path: rebuilt, dataBytes: await countDataBytes(rebuilt) },
  };
}

/** Disks that have nothing in common, so that each import has everything to do. Made once. */
export async function makeDistinctDisks(context: BenchContext, count: number, dataMb: number): Promise<DiskFile[]> {
  const disks: DiskFile[] = [];
  for (let seed = 1; seed <= count; seed += 1) {
    const path = join(context.cacheFolder, `distinct-${dataMb}-${seed}.qcow2`);
    if (!existsSync(path)) {
      context.say(`making ${path}`);
      await writeSyntheticDisk(`${path}.raw`, { seed, dataMb, insertedMb: 0 });
      await compress(`${path}.raw`, `${path}.part`, 'zlib');
      await rm(`${path}.raw`);
      await rename(`${path}.part`, path);
    }
    disks.push({ name: `distinct ${seed}`, path, dataBytes: dataMb * 1e6 });
  }
  return disks;
}

async function compress(from: string, to: string, type: 'zlib' | 'zstd'): Promise<void> {
  await runProgram(
    'qemu-img',
    'convert',
    '-m',
    '16',
    '-W',
    '-c',
    '-O',
    'qcow2',
    '-o',
    `compression_type=${type}`,
    from,
    to,
  );
}

/** Guest bytes of a disk file that are data, as qemu-img maps it. */
export async function countDataBytes(path: string): Promise<number> {
  const map: unknown = JSON.parse(await runProgram('qemu-img', 'map', '--output=json', path));
  if (!Array.isArray(map)) throw new Error('qemu-img map printed no list');
  return map.reduce((sum, { data, length }) => sum + (data ? Number(length) : 0), 0);
}

/** Without `-W`: out-of-order writes would make a file that no exporter makes. */
async function convertTo(format: string, subformat: string, from: string, to: string): Promise<void> {
  await runProgram('qemu-img', 'convert', '-O', format, '-o', `subformat=${subformat}`, from, to);
}
