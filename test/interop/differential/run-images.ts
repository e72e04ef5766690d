import { rm } from 'node:fs/promises';
import { temporaryFolder, writeSparse } from '../../fixtures/qemu.ts';
import { seededRng } from '../../fixtures/random-choice.ts';
import type { SparseFile } from '../../fixtures/sparse-file.ts';
import { type Comparison, describeComparison, readWithOurs, readWithQemu } from './compare-with-qemu.ts';
import { type ExpectedDifference, explain } from './expected-differences.ts';
import { makeByHand } from './made-by-hand.ts';
import { type FormatName, isDamaged, makeByQemu } from './made-by-qemu.ts';
import { makeMutated } from './mutated.ts';

/** Where an image comes from: from QEMU's own tools, from our builders, or from them and damaged. */
export const makings = ['by-qemu', 'by-hand', 'mutated'] as const;
export const formats = ['qcow2', 'vmdk', 'vhd', 'vhdx', 'vdi', 'raw'] as const satisfies FormatName[];

/** What makes an image again. */
export interface ImageName {
  readonly making: (typeof makings)[number];
  readonly format: FormatName;
  readonly seed: number;
  readonly image: number;
}

/** What became of the images of one kind. */
export interface Totals {
  /** Images made. */
  images: number;
  /** Read by both, the bytes compared. */
  compared: number;
  /** Guest bytes compared. */
  bytes: number;
  /** Refused by Obraz; qemu-img was then not asked. Mutated images only. */
  refused: number;
  /** Read by Obraz and refused by qemu-img. Mutated images only. */
  onlyOurs: number;
  /** Damaged by QEMU as it made them, and not read alike. Images made by QEMU only. */
  damaged: number;
  /** Times that each expected difference explained an image, by its id. */
  readonly differences: Map<string, number>;
}

/** An image over which the two disagree in a way that is not listed, or that our reader neither read nor refused. */
export class UnlistedDifference extends Error {
  readonly image: ImageName;

  constructor(image: ImageName, what: string, cause?: unknown) {
    super(`${image.making} ${image.format}, seed ${image.seed}, image ${image.image}: ${what}`, { cause });
    this.name = 'UnlistedDifference';
    this.image = image;
  }
}

export function noTotals(): Totals {
  return { images: 0, compared: 0, bytes: 0, refused: 0, onlyOurs: 0, damaged: 0, differences: new Map() };
}

/**
 * Makes an image, has both read it, and adds what came of it to `totals`.
 *
 * A good image both must read, and the same: but for differences that are listed. Of a mutated image that is asked only
 * if both read it. qemu-img never sees a mutated image that we refuse: so it opens no file that a mutated one names.
 *
 * @throws UnlistedDifference
 */
export async function runImage(
  name: ImageName,
  differences: readonly ExpectedDifference[],
  totals: Totals,
): Promise<void> {
  await using folder = await temporaryFolder();
  const path = folder.path('image');
  const how = await makeImage(name, path, folder.path('scratch'));
  totals.images++;
  const ours = await readWithOurs(path).catch((cause: unknown) => {
    throw new UnlistedDifference(name, [`Obraz failed: ${cause}`, ...how].join('\n  '), cause);
  });
  const isMutated = name.making === 'mutated';
  if (isMutated && ours.kind !== 'read') {
    totals.refused++;
    return;
  }
  const comparison: Comparison = { path, ours, theirs: await readWithQemu(path) };
  if (isMutated && comparison.theirs.kind === 'refused') {
    totals.onlyOurs++;
    return;
  }
  const explained = ours.kind === 'read' ? await explain(comparison, differences) : undefined;
  if (explained === undefined && name.making === 'by-qemu' && (await isDamaged(path))) {
    totals.damaged++;
    return;
  }
  if (explained === undefined) {
    throw new UnlistedDifference(name, [describeComparison(comparison), ...how].join('\n  '));
  }
  for (const id of explained) totals.differences.set(id, (totals.differences.get(id) ?? 0) + 1);
  totals.compared++;
  totals.bytes += ours.kind === 'read' ? ours.bytes.length : 0;
}

/** Makes the image of a name. Returns what was done, for a person. */
export async function makeImage(
  { making, format, seed, image }: ImageName,
  path: string,
  scratch: string,
): Promise<string[]> {
  // Images of one run, and runs of neighbouring seeds, have nothing in common.
  const rng = seededRng(Math.imul(seed ^ 0x5bd1e995, 0x9e3779b1) + Math.imul(image + 1, 0x85ebca6b));
  switch (making) {
    case 'by-qemu': {
      const steps = await makeByQemu(format, rng, path, scratch);
      await rm(scratch, { force: true });
      return steps;
    }
    case 'by-hand':
      await writeFileOf(makeByHand(format, rng), path);
      return [];
    case 'mutated':
      await writeFileOf(makeMutated(format, rng), path);
      return [];
  }
}

async function writeFileOf({ sizeBytes, parts }: SparseFile, path: string): Promise<void> {
  await writeSparse(
    path,
    sizeBytes,
    parts.map(([offset, bytes]) => [offset, bytes.subarray(0, Math.max(0, sizeBytes - offset))]),
  );
}
