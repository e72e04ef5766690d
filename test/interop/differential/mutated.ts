import { writeFile } from 'node:fs/promises';
import { mutateQcow2 } from '../../fixtures/mutate-qcow2.ts';
import { mutateRaw } from '../../fixtures/mutate-raw.ts';
import { mutateVhdx } from '../../fixtures/mutate-vhdx.ts';
import { mutateVmdk } from '../../fixtures/mutate-vmdk.ts';
import { writeSparse } from '../../fixtures/qemu.ts';
import type { Rng } from '../../fixtures/random-choice.ts';
import type { SparseFile } from '../../fixtures/sparse-file.ts';
import { mutateVdi } from '../../fixtures/vdi-builder.ts';
import { mutateVhd } from '../../fixtures/vhd-builder.ts';
import type { FormatName } from './made-by-qemu.ts';

const mutations: Readonly<Record<FormatName, (rng: Rng) => SparseFile | Uint8Array>> = {
  qcow2: mutateQcow2,
  vmdk: mutateVmdk,
  vhd: mutateVhd,
  vhdx: mutateVhdx,
  vdi: mutateVdi,
  raw: mutateRaw,
};

/** Makes a file of a format with something wrong with it, or nothing, at `path`. */
export async function makeMutated(format: FormatName, rng: Rng, path: string): Promise<void> {
  const file = mutations[format](rng);
  if (file instanceof Uint8Array) await writeFile(path, file);
  else
    await writeSparse(
      path,
      file.sizeBytes,
      file.parts.map(([offset, bytes]) => [offset, bytes]),
    );
}
