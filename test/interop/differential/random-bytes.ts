import { noise, prose } from '../../fixtures/qemu.ts';
import { below, chance, pick, type Rng } from '../../fixtures/random-choice.ts';

/** Noise, text and zeros in pieces of any length, and at times something at the very end. */
export function anyBytes(rng: Rng, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  const mostPiece = pick(rng, [2000, 100_000, 2_000_000]);
  for (let at = 0; at < length; ) {
    const piece = Math.min(length - at, 1 + below(rng, mostPiece));
    const seed = below(rng, 1000);
    pick(rng, [() => noise(piece, seed), () => prose(piece, seed), () => Buffer.alloc(piece)])().copy(bytes, at);
    at += piece;
  }
  if (chance(rng, 0.5)) bytes.fill('the end', Math.max(0, length - 7));
  return bytes;
}

/** In another order, each equally likely. */
export function shuffled<Item>(rng: Rng, items: readonly Item[]): Item[] {
  const rest = [...items];
  return items.flatMap(() => rest.splice(below(rng, rest.length), 1));
}
