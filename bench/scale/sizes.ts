/** How much is in an installation. */
export interface Sizes {
  /** Images in one folder. */
  readonly images: number;
  /** Chunks in the index. */
  readonly chunks: number;
  /** Disks made of one image. */
  readonly disks: number;
}

/** What was measured, under the same name in installations of any size. */
export interface Figure {
  readonly what: string;
  readonly unit: string;
  readonly value: number;
}
