import { readFile, rm } from 'node:fs/promises';
import type { Fault } from './faults.ts';
import type { Random } from './random.ts';

/** A first start meets other points than a later one. */
export type Stage = 'first start' | 'later';

/** Which faults were asked for and which struck, so that every point gets its turn. */
export class FaultChoice {
  readonly #random: Random;
  readonly #isFarAway: (point: string) => boolean;
  /** Per stage: per moment and point, how often it was asked for. */
  readonly #asked = { 'first start': new Map<string, number>(), later: new Map<string, number>() };
  /** Per stage: the moments and points of the last life, most of which the next one meets, too. */
  readonly #latest: Record<Stage, string[]> = { 'first start': [], later: [] };
  /** Per moment and point, how often the process died there. */
  readonly struck = new Map<string, number>();

  /** `isFarAway` says of a point that it is at the other end of a connection. */
  constructor(random: Random, isFarAway: (point: string) => boolean) {
    this.#random = random;
    this.#isFarAway = isFarAway;
  }

  /** Points that some process has met, with the moment before and the one after. */
  get places(): ReadonlySet<string> {
    return new Set([...this.#asked['first start'].keys(), ...this.#asked.later.keys()]);
  }

  /** Takes the names that a process has met into account, and removes their file. */
  async learn(stage: Stage, pointsFile: string): Promise<void> {
    const text = await readFile(pointsFile, 'utf8').catch(() => '');
    await rm(pointsFile, { force: true });
    const points = text.split('\n').filter((point) => point !== '');
    const keys = points.flatMap((point) => [`before ${point}`, `after ${point}`]);
    if (keys.length > 0) this.#latest[stage] = keys;
    for (const key of keys) if (!this.#asked[stage].has(key)) this.#asked[stage].set(key, 0);
  }

  /** The next fault; undefined is to die at a moment that only the clock knows. */
  next(stage: Stage): Fault | undefined {
    const random = this.#random;
    const asked = this.#asked[stage];
    if (asked.size === 0 || random.chance(0.1)) {
      if (random.chance(0.5)) return undefined;
      return { point: undefined, when: 'before', hit: 1 + random.below(150), does: 'kill' };
    }
    const least = Math.min(...asked.values());
    const rarest = [...asked].filter(([, count]) => count <= least + 1).map(([key]) => key);
    const latest = this.#latest[stage];
    const key = random.pick(latest.length > 0 && random.chance(0.5) ? latest : rarest);
    asked.set(key, (asked.get(key) ?? 0) + 1);
    const when = key.startsWith('before ') ? 'before' : 'after';
    const point = key.slice(when.length + 1);
    return { point, when, hit: random.chance(0.7) ? 1 : 2 + random.below(3), does: this.#does(when, point) };
  }

  #does(when: Fault['when'], point: string): Fault['does'] {
    if (!this.#random.chance(0.3)) return 'kill';
    if (when === 'before') return this.#random.pick(['EIO', 'ENOSPC'] as const);
    return this.#isFarAway(point) ? 'ECONNRESET' : 'kill';
  }
}
