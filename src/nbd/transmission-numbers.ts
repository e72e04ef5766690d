/**
 * Numbers of the second phase of the NBD protocol, in which a client uses an export. Source of all of them: the
 * protocol's text, https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md, "Transmission phase".
 */

export const requestMagic = 0x25609513;
export const simpleReplyMagic = 0x67446698;
export const structuredReplyMagic = 0x668e33ef;

export const requestHeaderBytes = 28;
export const simpleReplyHeaderBytes = 16;
export const chunkHeaderBytes = 20;

/** The largest payload of a request or a reply: what every client may count on, and what we tell them. */
export const maxPayloadBytes = 32 * 2 ** 20;

export const command = {
  read: 0,
  write: 1,
  disconnect: 2,
  flush: 3,
  trim: 4,
  cache: 5,
  writeZeroes: 6,
  blockStatus: 7,
} as const;

/** Flags of a request. */
export const commandFlag = {
  fua: 1 << 0,
  noHole: 1 << 1,
  df: 1 << 2,
  reqOne: 1 << 3,
  fastZero: 1 << 4,
} as const;

/** The only flag of a chunk: no other chunk of this reply follows. */
export const chunkDone = 1;

export const chunkType = {
  none: 0,
  offsetData: 1,
  offsetHole: 2,
  blockStatus: 5,
  error: 0x8001,
  errorOffset: 0x8002,
} as const;

/** Flags of an extent in `base:allocation`; data has none. */
export const blockState = { hole: 1 << 0, zero: 1 << 1 } as const;

/** Why a request failed. The numbers are Linux's, wherever the server runs. */
export const errorNumber = {
  EPERM: 1,
  EIO: 5,
  EINVAL: 22,
  ENOSPC: 28,
  EOVERFLOW: 75,
  ENOTSUP: 95,
  ESHUTDOWN: 108,
} as const;

export type ErrorName = keyof typeof errorNumber;
