/** The data is not what a bzip2 program writes; the message is the end of a sentence. */
export class Bzip2Damaged extends Error {}

/** The data has more streams than there is reason for; the message is the end of a sentence. */
export class Bzip2Scattered extends Error {}
