import {
  allocationContext,
  greetingMagic,
  handshakeFlag,
  infoType,
  maxStringBytes,
  optionMagic,
  optionReply,
  optionReplyMagic,
  transmissionFlag,
} from './handshake-numbers.ts';
import type { NbdExport } from './nbd-export.ts';
import { maxPayloadBytes } from './transmission-numbers.ts';

/** What the server says before all else. */
export function greeting(): Buffer {
  const flags = Buffer.alloc(2);
  flags.writeUInt16BE(handshakeFlag.fixedNewstyle | handshakeFlag.noZeroes);
  return Buffer.concat([greetingMagic, optionMagic, flags]);
}

/** A reply to an option:
 *
 *   64 bits  magic
 *   32 bits  the option
 *   32 bits  type of the reply
 *   32 bits  length of its data
 */
export function replyToOption(asked: number, type: number, data: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(20);
  header.writeBigUInt64BE(optionReplyMagic, 0);
  header.writeUInt32BE(asked, 8);
  header.writeUInt32BE(type >>> 0, 12);
  header.writeUInt32BE(data.length, 16);
  return Buffer.concat([header, data]);
}

/** A context's number (0 where it is only listed) and its name. */
export function replyMetaContext(asked: number, contextId: number): Buffer {
  const id = Buffer.alloc(4);
  id.writeUInt32BE(contextId);
  return replyToOption(asked, optionReply.metaContext, Buffer.concat([id, Buffer.from(allocationContext)]));
}

/** Size and flags of an export: 64 and 16 bits. EXPORT_NAME is answered with nothing else. */
export function exportFacts(found: NbdExport, structuredReplies: boolean): Buffer {
  const facts = Buffer.alloc(10);
  facts.writeBigUInt64BE(BigInt(found.device.sizeBytes), 0);
  facts.writeUInt16BE(transmissionFlags(found, structuredReplies), 8);
  return facts;
}

/** Each piece of information that INFO or GO asked for and we have; the size and the flags always. */
export function replyInfos(
  asked: number,
  request: { readonly name: string; readonly infoTypes: readonly number[] },
  found: NbdExport,
  structuredReplies: boolean,
): Buffer[] {
  const infos: [type: number, payload: Buffer][] = [[infoType.export, exportFacts(found, structuredReplies)]];
  if (request.infoTypes.includes(infoType.name)) infos.push([infoType.name, Buffer.from(request.name)]);
  if (request.infoTypes.includes(infoType.description) && found.description !== undefined) {
    const description = Buffer.from(found.description);
    if (description.length <= maxStringBytes) infos.push([infoType.description, description]);
  }
  if (request.infoTypes.includes(infoType.blockSize)) infos.push([infoType.blockSize, blockSizes()]);
  return infos.map(([type, payload]) => {
    const head = Buffer.alloc(2);
    head.writeUInt16BE(type);
    return replyToOption(asked, optionReply.info, Buffer.concat([head, payload]));
  });
}

/**
 * Minimum, preferred and maximum size of a request. The minimum is 1: a device takes any range, and a larger one would
 * hide the last bytes of a disk whose size is no multiple of it. Blocks of 4096 bytes are what overlays keep, and what
 * the store cuts at.
 */
function blockSizes(): Buffer {
  const sizes = Buffer.alloc(12);
  sizes.writeUInt32BE(1, 0);
  sizes.writeUInt32BE(4096, 4);
  sizes.writeUInt32BE(maxPayloadBytes, 8);
  return sizes;
}

function transmissionFlags(found: NbdExport, structuredReplies: boolean): number {
  const flag = transmissionFlag;
  const changes = flag.sendFlush | flag.sendFua | flag.sendTrim | flag.sendWriteZeroes | flag.sendFastZero;
  return (
    flag.hasFlags |
    flag.sendCache |
    (found.readOnly ? flag.readOnly : changes) |
    (structuredReplies ? flag.sendDf : 0) |
    (found.canMultiConn ? flag.canMultiConn : 0) |
    (found.rotational === true ? flag.rotational : 0)
  );
}
