/** The data is not what a bzip2 program writes; the message is the end of a sentence. */
export class Bzip2Damaged extends Error {}
