import type { Upload } from '../uploads/upload.ts';

/**
 * A part of an object that is sent in parts, in any order and several at a time. Each is an upload of the bucket, so it takes
 * room and expires as those do, and a row that says of which object, by the object's own upload (its session), it is the how
 * manieth.
 *
 *   coming   its bytes arrive; it has no MD5, and is nobody's to name
 *   there    they are all there; another one of its number has taken its place when that is there
 *   chosen   the client has said which parts, in which order, are the object: no other ones come any more, and the
 *            object's upload is made of these, from wherever it stands, so that this can be interrupted and go on
 */
export interface ObjectPart {
  readonly upload: Upload;
  readonly sessionId: string;
  /** 1 to 10,000: the order of their numbers is the order of their bytes. */
  readonly number: number;
  /** In base64; '' while it is coming. */
  readonly md5: string;
  readonly isChosen: boolean;
}

export const maxPartNumber = 10_000;
