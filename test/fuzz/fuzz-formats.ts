import { mutateOva, mutateRawTarball, mutateTar } from '../fixtures/mutate-archive.ts';
import { mutateBzip2, mutateGzip, mutateXz, mutateZstd } from '../fixtures/mutate-packed.ts';
import { mutateQcow2 } from '../fixtures/mutate-qcow2.ts';
import { mutateRaw } from '../fixtures/mutate-raw.ts';
import { mutateVhdx } from '../fixtures/mutate-vhdx.ts';
import { mutateVmdk } from '../fixtures/mutate-vmdk.ts';
import { below, pick, type Rng } from '../fixtures/random-choice.ts';
import type { SparseFile } from '../fixtures/sparse-file.ts';
import { mutateVdi } from '../fixtures/vdi-builder.ts';
import { mutateVhd } from '../fixtures/vhd-builder.ts';

/**
 * Makes a file of a format with something wrong with it, or nothing, from chance alone: fields set to odd numbers under
 * right checksums, tables that name odd places, bytes changed, the end cut off. The same chance, the same file.
 */
type Mutate = (rng: Rng) => SparseFile;

const whole =
  (mutate: (rng: Rng) => Uint8Array): Mutate =>
  (rng) => {
    const bytes = mutate(rng);
    return { sizeBytes: bytes.length, parts: [[0, bytes]] };
  };

const ofOneFormat = {
  raw: whole(mutateRaw),
  qcow2: whole(mutateQcow2),
  vmdk: whole(mutateVmdk),
  vhd: whole(mutateVhd),
  vhdx: mutateVhdx,
  vdi: whole(mutateVdi),
} as const satisfies Record<string, Mutate>;

/** What can be around a disk file. */
export const fuzzWrappers: Readonly<Record<string, Mutate>> = {
  gzip: whole(mutateGzip),
  xz: whole(mutateXz),
  bzip2: whole(mutateBzip2),
  zstd: whole(mutateZstd),
  tar: whole(mutateTar),
  ova: whole(mutateOva),
  /** Opened as what Compute Engine takes, and as nothing else. */
  'raw-tar-gz': whole(mutateRawTarball),
};

/** Every format that is read, and files that are the beginning of one and the end of another. */
export const fuzzFormats: Readonly<Record<string, Mutate>> = { ...ofOneFormat, spliced };

function spliced(rng: Rng): SparseFile {
  const { raw, qcow2, vmdk, vhd, vdi, vhdx } = ofOneFormat;
  const beginning = pick<Mutate>(rng, [raw, qcow2, vmdk, vhd, vdi, vhdx])(rng);
  const end = pick<Mutate>(rng, [raw, qcow2, vmdk, vhd, vdi])(rng);
  // Where one ends, or somewhere in it.
  const at = pick(rng, [beginning.sizeBytes, below(rng, beginning.sizeBytes + 1)]);
  return {
    sizeBytes: at + end.sizeBytes,
    parts: [...beginning.parts, ...end.parts.map(([offset, bytes]) => [at + offset, bytes] as const)],
  };
}
