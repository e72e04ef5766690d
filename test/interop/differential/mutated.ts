import { mutateQcow2 } from '../../fixtures/mutate-qcow2.ts';
import { mutateRaw } from '../../fixtures/mutate-raw.ts';
import { mutateVhdx } from '../../fixtures/mutate-vhdx.ts';
import { mutateVmdk } from '../../fixtures/mutate-vmdk.ts';
import { below, chance, pick, type Rng } from '../../fixtures/random-choice.ts';
import type { SparseFile } from '../../fixtures/sparse-file.ts';
import { mutateVdi } from '../../fixtures/vdi-builder.ts';
import { mutateVhd } from '../../fixtures/vhd-builder.ts';
import { makeByHand } from './made-by-hand.ts';
import type { FormatName } from './made-by-qemu.ts';

const mutations: Readonly<Record<FormatName, (rng: Rng) => SparseFile | Uint8Array>> = {
  qcow2: mutateQcow2,
  vmdk: mutateVmdk,
  vhd: mutateVhd,
  vhdx: mutateVhdx,
  vdi: mutateVdi,
  raw: mutateRaw,
};

/** Makes a file of a format with something wrong with it, or nothing. */
export function makeMutated(format: FormatName, rng: Rng): SparseFile {
  // Of what the mutations make QEMU reads little (of a VDI with small blocks nothing): some are good files, with damage.
  if (chance(rng, 0.5)) return damaged(rng, makeByHand(format, rng));
  const file = mutations[format](rng);
  return file instanceof Uint8Array ? { sizeBytes: file.length, parts: [[0, file]] } : file;
}

/** Some bytes changed, most of them where headers and tables are, or the end cut off. */
function damaged(rng: Rng, { sizeBytes, parts }: SparseFile): SparseFile {
  const changes = Array.from({ length: 1 + below(rng, 3) }, () => {
    const fromEnd = below(rng, Math.min(512, sizeBytes));
    const at = pick(rng, [below(rng, Math.min(512, sizeBytes)), sizeBytes - 1 - fromEnd, below(rng, sizeBytes)]);
    return [at, Buffer.of(below(rng, 256))] as const;
  });
  return {
    sizeBytes: chance(rng, 0.15) ? 1 + below(rng, sizeBytes) : sizeBytes,
    parts: [...parts, ...changes],
  };
}
