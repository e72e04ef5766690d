import { command, commandFlag, type ErrorName, maxPayloadBytes, requestMagic } from './transmission-numbers.ts';

/** A request as it came:
 *
 *    0  32 bits  magic
 *    4  16 bits  flags
 *    6  16 bits  type
 *    8  64 bits  cookie, which the replies carry
 *   16  64 bits  offset
 *   24  32 bits  length
 *   28  n        the payload of a write
 *
 * The cookie is kept in halves and the offset as a number, which spares two bigints for each request. An offset beyond
 * 2^53 is rounded, and stays far beyond every disk.
 */
export interface Request {
  readonly flags: number;
  readonly type: number;
  readonly cookieHigh: number;
  readonly cookieLow: number;
  readonly offset: number;
  readonly length: number;
}

/** Why a request is refused. */
export interface Refusal {
  readonly error: ErrorName;
  readonly message: string;
}

/** What requests are checked against. */
export interface RequestRules {
  readonly sizeBytes: number;
  readonly readOnly: boolean;
  readonly structuredReplies: boolean;
  readonly allocation: boolean;
  readonly zeroesFast: boolean;
}

/** Undefined if the magic is not there: then nothing that follows can be told apart. */
export function parseRequest(header: Buffer): Request | undefined {
  if (header.readUInt32BE(0) !== requestMagic) return undefined;
  return {
    flags: header.readUInt16BE(4),
    type: header.readUInt16BE(6),
    cookieHigh: header.readUInt32BE(8),
    cookieLow: header.readUInt32BE(12),
    offset: header.readUInt32BE(16) * 2 ** 32 + header.readUInt32BE(20),
    length: header.readUInt32BE(24),
  };
}

/** Bytes that follow the request's header. */
export function payloadBytes({ type, length }: Request): number {
  return type === command.write ? length : 0;
}

/** Says why a request can't be carried out; undefined if nothing speaks against it. No work is done before. */
export function checkRequest(request: Request, rules: RequestRules): Refusal | undefined {
  const allowed = allowedFlags(request.type, rules);
  if (allowed === undefined) return refusals.unknownCommand;
  if ((request.flags & ~allowed) !== 0) return refusals.unknownFlag;
  if (request.type === command.flush) return checkFlush(request, rules);
  const isChange = changes.has(request.type);
  if (isChange && rules.readOnly) return refusals.readOnly;
  const { offset, length } = request;
  if (length === 0) return refusals.empty;
  if (offset > rules.sizeBytes || length > rules.sizeBytes - offset) {
    return request.type === command.write || request.type === command.writeZeroes
      ? refusals.noSpaceBeyondEnd
      : refusals.beyondEnd;
  }
  return checkLength(request, rules);
}

const changes: ReadonlySet<number> = new Set([command.write, command.trim, command.writeZeroes]);

/** FUA is taken with everything once it was offered, as some clients send it so; undefined for an unknown command. */
function allowedFlags(type: number, rules: RequestRules): number | undefined {
  const fua = rules.readOnly ? 0 : commandFlag.fua;
  switch (type) {
    case command.read:
      return fua | (rules.structuredReplies ? commandFlag.df : 0);
    case command.write:
    case command.flush:
    case command.trim:
    case command.cache:
      return changes.has(type) ? commandFlag.fua : fua;
    case command.writeZeroes:
      return commandFlag.fua | commandFlag.noHole | commandFlag.fastZero;
    case command.blockStatus:
      return fua | commandFlag.reqOne;
    default:
      return undefined;
  }
}

function checkFlush({ offset, length }: Request, { readOnly }: RequestRules): Refusal | undefined {
  if (readOnly) return refusals.nothingToFlush;
  return offset !== 0 || length !== 0 ? refusals.flushOfRange : undefined;
}

function checkLength({ type, flags, length }: Request, rules: RequestRules): Refusal | undefined {
  if (length > maxPayloadBytes) {
    if (type === command.write) return refusals.tooLongWrite;
    if (type === command.read) return rules.structuredReplies ? refusals.tooLong : refusals.tooLongWrite;
    if (type === command.cache) return refusals.tooLong;
  }
  if (type === command.writeZeroes && (flags & commandFlag.fastZero) !== 0 && !rules.zeroesFast) {
    return refusals.notFast;
  }
  return type === command.blockStatus && !rules.allocation ? refusals.noContext : undefined;
}

const refusals = {
  unknownCommand: { error: 'EINVAL', message: 'unknown command' },
  unknownFlag: { error: 'EINVAL', message: 'a flag that this command does not have' },
  readOnly: { error: 'EPERM', message: 'the export is read-only' },
  empty: { error: 'EINVAL', message: 'a length of 0' },
  beyondEnd: { error: 'EINVAL', message: 'beyond the end of the export' },
  noSpaceBeyondEnd: { error: 'ENOSPC', message: 'beyond the end of the export' },
  tooLong: { error: 'EOVERFLOW', message: 'longer than the largest request' },
  tooLongWrite: { error: 'EINVAL', message: 'longer than the largest request' },
  flushOfRange: { error: 'EINVAL', message: 'a flush has no offset and no length' },
  nothingToFlush: { error: 'EINVAL', message: 'the export is read-only: there is nothing to flush' },
  notFast: { error: 'ENOTSUP', message: 'zeroes would be no faster than writing' },
  noContext: { error: 'EINVAL', message: 'no block status was agreed on' },
} as const satisfies Record<string, Refusal>;
