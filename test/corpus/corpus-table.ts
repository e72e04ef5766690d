import type { UnwrapLimits } from '../../src/wrappers/unwrap-limits.ts';
import type { SparseFile } from '../fixtures/sparse-file.ts';

/** The classes of attacks that files can carry; docs/security.md has them under the same names. */
export type AttackClass =
  | 'backing file'
  | 'data file'
  | 'guessed format'
  | 'two identities'
  | 'descriptor'
  | 'size'
  | 'table'
  | 'overlap'
  | 'bomb'
  | 'archive'
  | 'xml'
  | 'digest'
  | 'stale data'
  | 'damage';

/**
 * One file: what is special about it, how it is made, and what must become of it: the name of the check that refuses it,
 * or `accepted`, when all of its guest bytes can be read. With limits of unwrapping, where the real ones would take a
 * file of terabytes to reach.
 */
export type CorpusRow = readonly [
  what: string,
  make: () => Uint8Array | SparseFile,
  outcome: string,
  limits?: Partial<UnwrapLimits>,
];

/** The files of one format or wrapper. */
export type CorpusTable = Readonly<Partial<Record<AttackClass, readonly CorpusRow[]>>>;

export const KiB = 2 ** 10;
export const MiB = 2 ** 20;
export const GiB = 2 ** 30;
export const TiB = 2 ** 40;
