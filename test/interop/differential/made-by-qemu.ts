import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { qemuImg } from '../../fixtures/qemu.ts';
import { below, chance, pick, type Rng } from '../../fixtures/random-choice.ts';
import { anyBytes } from './random-bytes.ts';

const run = promisify(execFile);

const KiB = 1024;
const MiB = KiB * KiB;
const sector = 512;

/** A format, and the options of `qemu-img create` that chance may choose of it. */
interface QemuFormat {
  readonly name: string;
  /** Guest bytes of the largest disk made. */
  readonly maxBytes: number;
  options(rng: Rng): string[];
  /** Something that `qemu-img` does with a disk that was written to, as its arguments. */
  change?(image: string, rng: Rng): string[];
}

const qcow2: QemuFormat = {
  name: 'qcow2',
  maxBytes: 12 * MiB,
  options(rng) {
    const old = chance(rng, 0.2);
    const clusterBytes = 2 ** (9 + below(rng, 13));
    const extended = !old && clusterBytes >= 16 * KiB && chance(rng, 0.4);
    return [
      `cluster_size=${clusterBytes}`,
      ...(old ? ['compat=0.10'] : [`refcount_bits=${2 ** below(rng, 7)}`]),
      ...(extended ? ['extended_l2=on'] : []),
      ...(!old && chance(rng, 0.4) ? ['compression_type=zstd'] : []),
      ...(!old && chance(rng, 0.3) ? ['lazy_refcounts=on'] : []),
      ...(chance(rng, 0.2) ? [`preallocation=${pick(rng, ['metadata', 'falloc', 'full'])}`] : []),
    ];
  },
  change: (image, rng) =>
    pick(rng, [
      ['snapshot', '-c', `state-${below(rng, 1000)}`, image],
      ['bitmap', '--add', image, `dirty-${below(rng, 1000)}`],
      ['resize', image, `+${(1 + below(rng, 4000)) * sector}`],
      ['amend', '-o', 'lazy_refcounts=off', image],
    ]),
};

const vmdk: QemuFormat = {
  name: 'vmdk',
  maxBytes: 40 * MiB,
  options: (rng) => [
    `subformat=${pick(rng, ['monolithicSparse', 'monolithicSparse', 'streamOptimized'])}`,
    ...(chance(rng, 0.6) ? ['zeroed_grain=on'] : []),
    ...(chance(rng, 0.3) ? ['compat6=on'] : []),
  ],
};

const vhd: QemuFormat = {
  name: 'vpc',
  maxBytes: 24 * MiB,
  options: (rng) => [
    `subformat=${pick(rng, ['dynamic', 'dynamic', 'fixed'])}`,
    `force_size=${pick(rng, ['on', 'off'])}`,
  ],
};

const vhdx: QemuFormat = {
  name: 'vhdx',
  maxBytes: 24 * MiB,
  options: (rng) => [
    `subformat=${pick(rng, ['dynamic', 'dynamic', 'fixed'])}`,
    `block_size=${2 ** below(rng, 6)}M`,
    ...(chance(rng, 0.3) ? [`log_size=${1 + below(rng, 4)}M`] : []),
    ...(chance(rng, 0.3) ? ['block_state_zero=off'] : []),
  ],
};

const vdi: QemuFormat = {
  name: 'vdi',
  maxBytes: 24 * MiB,
  options: (rng) => [`static=${pick(rng, ['off', 'off', 'on'])}`],
};

const raw: QemuFormat = { name: 'raw', maxBytes: 8 * MiB, options: () => [] };

/** By our names for them. */
const qemuFormats = { qcow2, vmdk, vhd, vhdx, vdi, raw } as const satisfies Record<string, QemuFormat>;

export type FormatName = keyof typeof qemuFormats;

/**
 * Makes an image of a format as a person with QEMU would: converted from a raw disk, or created and written to. `path`
 * is where the image is to stand, `scratch` a place for a disk to convert. Returns what was done, for a person.
 */
export async function makeByQemu(format: FormatName, rng: Rng, path: string, scratch: string): Promise<string[]> {
  const made: QemuFormat = qemuFormats[format];
  const options = made.options(rng);
  const sizeBytes = sector * (1 + below(rng, pick(rng, [200, 4000, made.maxBytes / sector])));
  // What is written to an image of a stream is refused by QEMU: it is made by converting alone.
  const isConverted = options.includes('subformat=streamOptimized') || chance(rng, 0.4);
  return isConverted
    ? await convert(made, options, sizeBytes, rng, path, scratch)
    : await createAndWrite(made, options, sizeBytes, rng, path);
}

async function convert(
  format: QemuFormat,
  options: string[],
  sizeBytes: number,
  rng: Rng,
  path: string,
  scratch: string,
): Promise<string[]> {
  await writeFile(scratch, anyBytes(rng, sizeBytes));
  const canCompress = format.name === 'qcow2' && !options.some((option) => option.startsWith('preallocation='));
  const args = [
    ...(canCompress && chance(rng, 0.5) ? ['-c'] : []),
    ...(chance(rng, 0.2) && format.name !== 'raw' ? ['-S', pick(rng, ['0', '4k', '64k'])] : []),
    ...asFlags(options),
  ];
  const command = ['convert', '-f', 'raw', '-O', format.name, ...args, scratch, path];
  await qemuImg(...command);
  return [command.join(' ')];
}

async function createAndWrite(
  format: QemuFormat,
  options: string[],
  sizeBytes: number,
  rng: Rng,
  path: string,
): Promise<string[]> {
  const create = ['create', '-f', format.name, ...asFlags(options), path, String(sizeBytes)];
  await qemuImg(...create);
  const steps = [create];
  for (let rounds = 1 + below(rng, 2); rounds > 0; rounds--) {
    const writes = Array.from({ length: 1 + below(rng, 20) }, () => anyWrite(rng, format, sizeBytes));
    steps.push(['qemu-io', ...writes]);
    // Of some writes a disk is not capable, such as a compressed one onto a cluster that is there: the others go on.
    const commands = writes.flatMap((command) => ['-c', command]);
    await run('qemu-io', ['-f', format.name, '-d', 'unmap', ...commands, path]).catch(ignoreFailedCommand);
    if (format.change === undefined || chance(rng, 0.5)) continue;
    const change = format.change(path, rng);
    steps.push(change);
    // Nor of all changes: version 2 keeps no bitmaps, and preallocated disks do not grow without data.
    await qemuImg(...change).catch(ignoreFailedCommand);
  }
  return steps.map((step) => step.join(' '));
}

/** qemu-img and qemu-io end with 1 when they could not do what they were told to. A crash has no such status. */
function ignoreFailedCommand(failure: unknown): void {
  if (!(failure instanceof Error && 'code' in failure && failure.code === 1)) throw failure;
}

/** A command of qemu-io: any range of sectors, or for a compressed write one cluster, whatever clusters the disk has. */
function anyWrite(rng: Rng, format: QemuFormat, sizeBytes: number): string {
  const sectors = sizeBytes / sector;
  const first = below(rng, sectors);
  const count = 1 + below(rng, Math.min(sectors - first, pick(rng, [8, 300, 4000])));
  const range = `${first * sector} ${count * sector}`;
  const value = 1 + below(rng, 255);
  const writes: [string, ...string[]] = [
    `write -P ${value} ${range}`,
    `write -P ${value} ${range}`,
    `write -z ${range}`,
  ];
  if (format.name === 'qcow2') {
    const clusterBytes = pick(rng, [512, 4096, 16 * KiB, 64 * KiB]);
    const cluster = below(rng, Math.max(1, Math.floor(sizeBytes / clusterBytes)));
    writes.push(`write -c -P ${value} ${cluster * clusterBytes} ${clusterBytes}`, `write -z -u ${range}`);
  }
  if (format.name !== 'vpc') writes.push(`discard ${range}`);
  return pick(rng, writes);
}

/**
 * Whether qemu-img itself finds an image damaged. QEMU damages some that it makes: after a compressed write onto clusters
 * that are there, which fails as it should, version 7.2 takes a cluster for free that is not, and writes over it.
 */
export async function isDamaged(path: string): Promise<boolean> {
  const corruptionsFound = 2;
  return await qemuImg('check', path).then(
    () => false,
    (failure: unknown) => failure instanceof Error && 'code' in failure && failure.code === corruptionsFound,
  );
}

function asFlags(options: string[]): string[] {
  return options.length === 0 ? [] : ['-o', options.join(',')];
}
