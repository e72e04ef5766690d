/**
 * Numbers of the first phase of the NBD protocol, in which a client asks for an export. Source of all of them: the
 * protocol's text, https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md, "Handshake phase".
 */

/** The server speaks first: 8 bytes "NBDMAGIC", 8 bytes "IHAVEOPT" (which begin each option, too), 16 bits of flags. */
export const greetingMagic = Buffer.from('NBDMAGIC', 'latin1');
export const optionMagic = Buffer.from('IHAVEOPT', 'latin1');

/** Begins each reply to an option. */
export const optionReplyMagic = 0x3e889045565a9n;

/** The server's flags, and the client's answer to them with the same bits. */
export const handshakeFlag = { fixedNewstyle: 1 << 0, noZeroes: 1 << 1 } as const;

/** What a client may ask for before the transmission. */
export const option = {
  exportName: 1,
  abort: 2,
  list: 3,
  startTls: 5,
  info: 6,
  go: 7,
  structuredReply: 8,
  listMetaContext: 9,
  setMetaContext: 10,
} as const;

/** What an option is answered with. */
export const optionReply = { ack: 1, info: 3, metaContext: 4 } as const;

/** Refusals of an option, each with an optional text for people. */
export const optionError = {
  unsupported: 0x8000_0001,
  policy: 0x8000_0002,
  invalid: 0x8000_0003,
  tlsRequired: 0x8000_0005,
  unknown: 0x8000_0006,
  shutdown: 0x8000_0007,
} as const;

/** What a client may want to know of an export. */
export const infoType = { export: 0, name: 1, description: 2, blockSize: 3 } as const;

/** What an export can do: 16 bits that are told with its size. */
export const transmissionFlag = {
  hasFlags: 1 << 0,
  readOnly: 1 << 1,
  sendFlush: 1 << 2,
  sendFua: 1 << 3,
  rotational: 1 << 4,
  sendTrim: 1 << 5,
  sendWriteZeroes: 1 << 6,
  sendDf: 1 << 7,
  canMultiConn: 1 << 8,
  sendCache: 1 << 10,
  sendFastZero: 1 << 11,
} as const;

/** The protocol's limit for names, descriptions and messages. */
export const maxStringBytes = 4096;

/** The one kind of block status there is. */
export const allocationContext = 'base:allocation';

/** Our number for it; it means something within a connection only. */
export const allocationContextId = 1;
