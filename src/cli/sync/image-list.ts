import type { FileDigest } from './file-digest.ts';

/** What `obraz image sync` is to keep: docs/standard-images.md has the form that people write it in. */
export interface ImageList {
  /** Where indexes may send us, besides to their own origin. */
  readonly origins: readonly string[];
  /** One at least, each with a name of its own. */
  readonly families: readonly FamilyEntry[];
}

/** A family, where its images come from, and how they are made. */
export interface FamilyEntry {
  readonly family: string;
  /** How many of its images stay; 1 or more. */
  readonly keep: number;
  readonly source: FamilySource;
  readonly description: string;
  readonly labels: Readonly<Record<string, string>>;
  /** 0 leaves it to the service. */
  readonly minDiskSizeBytes: number;
  readonly osType: 'linux' | 'windows';
  readonly pooled: boolean;
}

/** How to find out what is newest. */
export type FamilySource =
  /** An index of simplestreams, or one of its lists of products. */
  | { readonly kind: 'simplestreams'; readonly url: string; readonly product: string; readonly item: string }
  /** A file of digests, and which file in it: a name, with `*` for what changes from version to version. */
  | { readonly kind: 'sums'; readonly url: string; readonly file: string }
  /** One file that stays what it is. */
  | { readonly kind: 'file'; readonly url: string; readonly digest: FileDigest };
