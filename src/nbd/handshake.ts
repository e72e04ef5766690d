import type { Socket } from 'node:net';
import { handshakeFlag, optionMagic } from './handshake-numbers.ts';
import type { Handshake, HandshakeOptions } from './handshake-state.ts';
import type { NbdExport } from './nbd-export.ts';
import { greeting } from './option-replies.ts';
import { answerOption } from './options.ts';
import { SocketReader } from './socket-reader.ts';

/** What both agreed on. Whoever has it disposes the export. */
export interface Agreed {
  readonly stream: Socket;
  readonly reader: SocketReader;
  readonly export: NbdExport;
  readonly structuredReplies: boolean;
  /** Whether the client may ask for block status. */
  readonly allocation: boolean;
}

/** More data of an option than this no client sends. */
const maxOptionBytes = 64 * 1024;

/**
 * Speaks with a client until it has chosen an export. Undefined if it does not come to that: because the client
 * leaves, breaks the rules, or asks for what it can't have in a way that allows no answer. Then the connection is to
 * be closed.
 *
 *   server   greeting, 16 bits of flags
 *   client   32 bits of flags, of those that the server has
 *   client   "IHAVEOPT", 32 bits option, 32 bits length, data     any number of times; see options.ts
 *   server   a reply or several
 */
export async function shakeHands(socket: Socket, options: HandshakeOptions): Promise<Agreed | undefined> {
  const reader = new SocketReader(socket);
  socket.write(greeting());
  const flags = (await reader.read(4))?.readUInt32BE();
  if (flags === undefined || (flags & ~(handshakeFlag.fixedNewstyle | handshakeFlag.noZeroes)) !== 0) return undefined;
  const handshake: Handshake = {
    options,
    noZeroes: (flags & handshakeFlag.noZeroes) !== 0,
    fixedNewstyle: (flags & handshakeFlag.fixedNewstyle) !== 0,
    stream: socket,
    reader,
    encrypted: false,
    structuredReplies: false,
    contextFor: undefined,
    found: undefined,
  };
  let agreed: Agreed | undefined;
  try {
    agreed = await haggle(handshake);
  } finally {
    if (agreed === undefined) {
      handshake.stream.end();
      await handshake.found?.export?.[Symbol.asyncDispose]();
    }
  }
  return agreed;
}

async function haggle(handshake: Handshake): Promise<Agreed | undefined> {
  for (let count = 0; count < handshake.options.maxOptions; count += 1) {
    const header = await handshake.reader.read(16);
    if (header === undefined || !header.subarray(0, 8).equals(optionMagic)) return undefined;
    const asked = header.readUInt32BE(8);
    const length = header.readUInt32BE(12);
    if (length > maxOptionBytes) return undefined;
    const data = await handshake.reader.read(length);
    if (data === undefined) return undefined;
    const next = await answerOption(handshake, asked, data);
    if (next === 'end') return undefined;
    if (next === 'transmission') return agreedOn(handshake);
  }
  return undefined;
}

function agreedOn({ found, stream, reader, structuredReplies, contextFor }: Handshake): Agreed | undefined {
  if (found?.export === undefined) return undefined;
  const allocation = structuredReplies && contextFor === found.name;
  return { stream, reader, export: found.export, structuredReplies, allocation };
}
