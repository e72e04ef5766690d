import { allocationContext, allocationContextId, option, optionError, optionReply } from './handshake-numbers.ts';
import type { Handshake } from './handshake-state.ts';
import type { NbdExport } from './nbd-export.ts';
import { parseInfoRequest, parseMetaContextRequest, parseName } from './option-data.ts';
import { exportFacts, replyInfos, replyMetaContext, replyToOption } from './option-replies.ts';
import { startTls } from './start-tls.ts';

/** What comes after an option: another one, the end of the connection, or the use of the export that was found. */
type Next = 'option' | 'end' | 'transmission';

/** Padding after the facts of an export, which clients of today do without. */
const reservedBytes = 124;

/** Answers one option, by the rules of the protocol's "Option types" and "TLS support". */
export async function answerOption(handshake: Handshake, asked: number, data: Buffer): Promise<Next> {
  // It can't be refused but by closing, and is all that a client without replies to options can say.
  if (asked === option.exportName) return await useExport(handshake, data);
  if (!handshake.fixedNewstyle) return 'end';
  if (asked === option.abort) {
    handshake.stream.write(replyToOption(asked, optionReply.ack));
    return 'end';
  }
  if (asked === option.startTls) return await secure(handshake, data);
  if (isTlsMissing(handshake)) return refuse(handshake, asked, optionError.tlsRequired, 'use TLS');
  switch (asked) {
    case option.list:
      // Names of exports are secrets: nobody is told of any.
      return data.length > 0 ? refuse(handshake, asked, optionError.invalid) : accept(handshake, asked);
    case option.info:
    case option.go:
      return await tellOrUseExport(handshake, asked, data);
    case option.structuredReply:
      if (data.length > 0) return refuse(handshake, asked, optionError.invalid);
      handshake.structuredReplies = true;
      return accept(handshake, asked);
    case option.listMetaContext:
    case option.setMetaContext:
      return listOrSetContext(handshake, asked, data);
    default:
      return refuse(handshake, asked, optionError.unsupported);
  }
}

async function useExport(handshake: Handshake, data: Buffer): Promise<Next> {
  const name = parseName(data);
  if (name === undefined || isTlsMissing(handshake)) return 'end';
  const found = await findOnce(handshake, name);
  if (found === undefined || !handshake.options.hasRoom()) return 'end';
  handshake.stream.write(exportFacts(found, handshake.structuredReplies));
  if (!handshake.noZeroes) handshake.stream.write(Buffer.alloc(reservedBytes));
  return 'transmission';
}

async function tellOrUseExport(handshake: Handshake, asked: number, data: Buffer): Promise<Next> {
  const request = parseInfoRequest(data);
  if (request === undefined) return refuse(handshake, asked, optionError.invalid);
  const found = await findOnce(handshake, request.name);
  if (found === undefined) return refuse(handshake, asked, optionError.unknown, 'there is no such export');
  if (asked === option.go && !handshake.options.hasRoom()) {
    return refuse(handshake, asked, optionError.policy, 'too many clients');
  }
  for (const info of replyInfos(asked, request, found, handshake.structuredReplies)) handshake.stream.write(info);
  accept(handshake, asked);
  return asked === option.go ? 'transmission' : 'option';
}

/** Selecting a context for an export that is none tells nothing: only using the export does. */
function listOrSetContext(handshake: Handshake, asked: number, data: Buffer): Next {
  const isSet = asked === option.setMetaContext;
  if (isSet) handshake.contextFor = undefined;
  const request = parseMetaContextRequest(data);
  if (request === undefined || !handshake.structuredReplies) return refuse(handshake, asked, optionError.invalid);
  const { name, queries } = request;
  if (isSet && queries.includes(allocationContext)) {
    handshake.contextFor = name;
    handshake.stream.write(replyMetaContext(asked, allocationContextId));
  }
  const isListed = queries.length === 0 || queries.includes('base:') || queries.includes(allocationContext);
  if (!isSet && isListed) handshake.stream.write(replyMetaContext(asked, 0));
  return accept(handshake, asked);
}

/**
 * Goes on over TLS. What was agreed on before is forgotten, and what a client, or someone between, sent beyond the
 * option is not listened to: it was not encrypted, and must not pass for what is (CVE-2021-3716).
 */
async function secure(handshake: Handshake, data: Buffer): Promise<Next> {
  const { options, stream, reader } = handshake;
  const asked = option.startTls;
  const context = options.secureContext();
  if (options.tlsMode === 'none' || context === undefined) return refuse(handshake, asked, optionError.policy);
  if (handshake.encrypted || data.length > 0) return refuse(handshake, asked, optionError.invalid);
  if (reader.detach() > 0) return 'end';
  await handshake.found?.export?.[Symbol.asyncDispose]();
  handshake.found = undefined;
  handshake.structuredReplies = false;
  handshake.contextFor = undefined;
  const secured = await startTls(stream, replyToOption(asked, optionReply.ack), context);
  if (secured === undefined) return 'end';
  handshake.stream = secured.stream;
  handshake.reader = secured.reader;
  handshake.encrypted = true;
  return 'option';
}

function isTlsMissing({ options, encrypted }: Handshake): boolean {
  return options.tlsMode === 'required' && !encrypted;
}

/** Finds the export of a name; again only if another was found in between. */
async function findOnce(handshake: Handshake, name: string): Promise<NbdExport | undefined> {
  if (handshake.found?.name !== name) {
    const last = handshake.found;
    handshake.found = undefined;
    await last?.export?.[Symbol.asyncDispose]();
    const { findExport, peerAddress, signal } = handshake.options;
    const peer = { address: peerAddress, encrypted: handshake.encrypted };
    handshake.found = { name, export: await findExport(name, { peer, signal }) };
  }
  return handshake.found?.export;
}

function accept(handshake: Handshake, asked: number): 'option' {
  handshake.stream.write(replyToOption(asked, optionReply.ack));
  return 'option';
}

function refuse(handshake: Handshake, asked: number, error: number, text = ''): 'option' {
  handshake.stream.write(replyToOption(asked, error, Buffer.from(text)));
  return 'option';
}
