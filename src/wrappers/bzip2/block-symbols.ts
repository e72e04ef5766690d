import type { BitReader } from './bit-reader.ts';
import { Bzip2Damaged } from './bzip2-damaged.ts';
import { longestCode, PrefixCode } from './prefix-code.ts';

/*
 * A block, in bits, behind its mark (48: 0x314159265359):
 *
 *   32   CRC-32 of its bytes
 *    1   randomised: 0; only programs before 1997 wrote 1
 *   24   where the text begins in the sorted rotations
 *   16   which sixteenths of the byte values are used, and for each of those 16 more: which values
 *    3   prefix codes, 2 to 6
 *   15   selectors: which code the next 50 symbols are in
 *        selectors, each as its place in a move-to-front list, as so many ones and a zero
 *        codes: 5 bits for the first symbol's length; then for each symbol 0 (next), 10 (longer by one), 11 (shorter)
 *        symbols: 0 and 1 are the digits of a run's length, then places in a move-to-front list of the values, then the end
 *
 * There is no specification; the format is what bzip2 1.0 reads and writes.
 */
const symbolsPerSelector = 50;

/** More are passed over: no block needs them, and some writers round up. */
const maxSelectors = 18_002;

/** A run is no longer than a block; its digits end before their value is beyond that. */
const maxRunDigit = 1 << 21;

export interface BlockHead {
  readonly sum: number;
  readonly start: number;
}

export function readBlockHead(bits: BitReader): BlockHead {
  const sum = bits.take32();
  if (bits.take(1) !== 0) throw new Bzip2Damaged('it is of a kind that programs before 1997 wrote');
  return { sum, start: bits.take(24) };
}

/** Reads a block's symbols into `block` as bytes, and returns how many they are. */
export function readSymbols(bits: BitReader, block: Uint32Array): number {
  const values = readUsedValues(bits);
  const endSymbol = values.length + 1;
  const codeCount = bits.take(3);
  if (codeCount < 2 || codeCount > 6) throw new Bzip2Damaged(`a block has ${codeCount} codes`);
  const selectors = readSelectors(bits, codeCount);
  const codes = Array.from({ length: codeCount }, () => readCode(bits, values.length + 2));

  let length = 0;
  let run = 0;
  let digit = 1;
  for (let selector = 0; ; selector++) {
    const code = codes[selectors[selector] ?? -1];
    if (code === undefined) throw new Bzip2Damaged('a block has more symbols than it says');
    for (let i = 0; i < symbolsPerSelector; i++) {
      const symbol = code.read(bits);
      if (symbol <= 1) {
        if (digit > maxRunDigit) throw new Bzip2Damaged('a run is longer than any block');
        run += digit << symbol;
        digit <<= 1;
        continue;
      }
      if (run > 0) {
        if (length + run > block.length) throw new Bzip2Damaged('a block is longer than its stream allows');
        block.fill(values[0] ?? 0, length, length + run);
        length += run;
        run = 0;
        digit = 1;
      }
      if (symbol === endSymbol) return length;
      if (length === block.length) throw new Bzip2Damaged('a block is longer than its stream allows');
      block[length++] = moveToFront(values, symbol - 1);
    }
  }
}

function readUsedValues(bits: BitReader): Uint8Array {
  const sixteenths = bits.take(16);
  const values: number[] = [];
  for (let high = 0; high < 16; high++) {
    if ((sixteenths & (0x8000 >>> high)) === 0) continue;
    const used = bits.take(16);
    for (let low = 0; low < 16; low++) {
      if ((used & (0x8000 >>> low)) !== 0) values.push(high * 16 + low);
    }
  }
  if (values.length === 0) throw new Bzip2Damaged('a block uses no byte values');
  return Uint8Array.from(values);
}

function readSelectors(bits: BitReader, codeCount: number): Uint8Array {
  const count = bits.take(15);
  const order = Uint8Array.from({ length: codeCount }, (_, code) => code);
  const selectors = new Uint8Array(Math.min(count, maxSelectors));
  for (let i = 0; i < count; i++) {
    let place = 0;
    while (bits.take(1) === 1) place += 1;
    if (place >= codeCount) throw new Bzip2Damaged('a selector names no code');
    selectors[i] = moveToFront(order, place);
  }
  return selectors;
}

function readCode(bits: BitReader, symbolCount: number): PrefixCode {
  const lengths = new Uint8Array(symbolCount);
  let length = bits.take(5);
  for (let symbol = 0; symbol < symbolCount; symbol++) {
    for (;;) {
      if (length < 1 || length > longestCode) throw new Bzip2Damaged(`a code has ${length} bits`);
      if (bits.take(1) === 0) break;
      length += bits.take(1) === 0 ? 1 : -1;
    }
    lengths[symbol] = length;
  }
  return new PrefixCode(lengths);
}

/** The value at a place of the list, which then is the first. */
function moveToFront(list: Uint8Array, place: number): number {
  const value = list[place] ?? 0;
  list.copyWithin(1, 0, place);
  list[0] = value;
  return value;
}
