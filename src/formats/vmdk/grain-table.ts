/** One entry of a grain table: the sector of its grain; 0: none. */
export type GrainTable = Uint32Array;
