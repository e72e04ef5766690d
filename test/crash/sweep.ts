import { parseArgs } from 'node:util';
import { startFileServer } from '../fixtures/file-server.ts';
import { makeDiskFiles } from './disk-files.ts';
import { openEpisode } from './episode.ts';
import { FaultChoice } from './fault-choice.ts';
import { createRandom } from './random.ts';
import { dropPrepared } from './start.ts';

/**
 * Kills a service again and again while a client works with it, each time at another point, and holds what is there
 * afterwards against what the client was told. `node test/crash/sweep.ts --kills 2000 --seed 1` runs it by hand.
 *
 * An episode is one data directory: some lives, each ended by a fault, then a life without, in which everything that was
 * begun must end, every image must have its bytes, and after a collection nothing may be left that nobody needs.
 */
export interface SweepOptions {
  readonly seed: number;
  /** Ends after so many kills, or when the time is over, whichever comes first; an episode is always ended. */
  readonly kills: number;
  readonly maxMs: number;
  readonly say?: (line: string) => void;
}

export interface SweepResult {
  readonly kills: number;
  /** Deaths at a named point, by `before|after POINT`. */
  readonly killsByPoint: ReadonlyMap<string, number>;
  /** Named points that were met, the moment before and the one after each. */
  readonly places: number;
  /** Lives in which a call failed with EIO or ENOSPC instead. */
  readonly failures: number;
  readonly episodes: number;
  readonly imagesChecked: number;
}

const livesOfEpisode = 10;

export async function sweep({ seed, kills, maxMs, say = () => {} }: SweepOptions): Promise<SweepResult> {
  const random = createRandom(seed);
  const choice = new FaultChoice(random);
  const files = makeDiskFiles(8);
  await using server = await startFileServer();
  const total = { kills: 0, failures: 0, episodes: 0, imagesChecked: 0 };
  const startedAt = performance.now();
  try {
    while (total.kills < kills && performance.now() - startedAt < maxMs) {
      await using episode = await openEpisode({ random, choice, files, server });
      try {
        for (let life = 0; life < livesOfEpisode && total.kills < kills; life += 1) {
          if (performance.now() - startedAt >= maxMs) break;
          total[await episode.live()] += 1;
        }
        total.imagesChecked += await episode.end();
      } catch (error) {
        throw new Error(`seed ${seed}, episode ${total.episodes}:\n${episode.story.join('\n')}`, { cause: error });
      }
      total.episodes += 1;
      const seconds = Math.round((performance.now() - startedAt) / 1000);
      say(
        `${seconds} s: ${total.kills} kills, ${choice.struck.size} of ${choice.places.size} places, ${total.imagesChecked} images read back`,
      );
    }
  } finally {
    dropPrepared();
  }
  return { ...total, killsByPoint: choice.struck, places: choice.places.size };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string', default: '200' },
      seed: { type: 'string' },
      minutes: { type: 'string', default: '600' },
    },
  });
  const seed = Number(values.seed ?? Date.now() % 1_000_000);
  console.log(`seed ${seed}`);
  const maxMs = Number(values.minutes) * 60_000;
  const result = await sweep({ seed, kills: Number(values.kills), maxMs, say: (line) => console.log(line) });
  for (const [point, count] of [...result.killsByPoint].toSorted()) console.log(`${count} ${point}`);
  console.log({ seed, ...result, killsByPoint: undefined });
}
