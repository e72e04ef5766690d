import { parseArgs } from 'node:util';
import { startFileServer } from '../fixtures/file-server.ts';
import { runOn } from '../fixtures/run-servers.ts';
import { makeDiskFiles } from './disk-files.ts';
import { openEpisode } from './episode.ts';
import { FaultChoice } from './fault-choice.ts';
import { openGround } from './ground.ts';
import type { RolesOfProcesses } from './nodes.ts';
import { createRandom } from './random.ts';
import { dropPrepared } from './start.ts';

/**
 * Kills a service again and again while a client works with it, each time at another point, and holds what is there
 * afterwards against what the client was told. `node test/crash/sweep.ts --kills 2000 --seed 1` runs it by hand.
 *
 * On {PostgreSQL, S3}: `node test/servers.ts node test/crash/sweep.ts --processes 2`, or `--roles` for processes that
 * have some of the roles each.
 *
 * An episode is one installation: some lives, each ended by a fault, then a life without, in which everything that was
 * begun must end, every image must have its bytes, and after a collection nothing may be left that nobody needs.
 */
export interface SweepOptions {
  readonly seed: number;
  /** Ends after so many kills, or when the time is over, whichever comes first; an episode is always ended. */
  readonly kills: number;
  readonly maxMs: number;
  /** Of those that serve at once, of which one is killed; more than one need {PostgreSQL, S3}. */
  readonly roles?: RolesOfProcesses;
  /** Whether PostgreSQL, the bucket, the lines to them and the clocks fail, too; of servers of its own. */
  readonly shakes?: boolean;
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
  /** Snapshots and images of disks that were read. */
  readonly copiesChecked: number;
}

/** Processes that have all roles. */
export function allRoles(processes: number): RolesOfProcesses {
  return Array.from({ length: processes }, () => []);
}

/** Two of each role, each in another company. */
export const mixedRoles: RolesOfProcesses = [['api'], ['api', 'worker'], ['worker', 'block'], ['block']];

const livesOfEpisode = 16;

/** On {PostgreSQL, S3}: what is no file of the data directory. */
const farAway = /^(commit|insert|update|delete|put|begin upload|upload part|complete upload|abort upload) /;
const isFarAway = (point: string) => runOn === 'postgres+s3' && farAway.test(point);

export async function sweep({
  seed,
  kills,
  maxMs,
  roles = allRoles(1),
  shakes = false,
  say = () => {},
}: SweepOptions): Promise<SweepResult> {
  const random = createRandom(seed);
  const choice = new FaultChoice(random, isFarAway);
  const files = makeDiskFiles(8);
  await using server = await startFileServer();
  await using ground = shakes ? await openGround() : undefined;
  const total = { kills: 0, failures: 0, episodes: 0, imagesChecked: 0, copiesChecked: 0 };
  const startedAt = performance.now();
  try {
    while (total.kills < kills && performance.now() - startedAt < maxMs) {
      await using episode = await openEpisode({ random, choice, files, server, roles, ground });
      try {
        for (let life = 0; life < livesOfEpisode && total.kills < kills; life += 1) {
          if (performance.now() - startedAt >= maxMs) break;
          total[await episode.live()] += 1;
        }
        const { images, copies } = await episode.end();
        total.imagesChecked += images;
        total.copiesChecked += copies;
      } catch (error) {
        throw new Error(`seed ${seed}, episode ${total.episodes}:\n${episode.story.join('\n')}`, { cause: error });
      }
      total.episodes += 1;
      const seconds = Math.round((performance.now() - startedAt) / 1000);
      say(
        `${seconds} s: ${total.kills} kills, ${choice.struck.size} of ${choice.places.size} places, ${total.imagesChecked} images and ${total.copiesChecked} copies of disks read back`,
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
      processes: { type: 'string', default: '1' },
      roles: { type: 'boolean', default: false },
      shakes: { type: 'boolean', default: false },
    },
  });
  const seed = Number(values.seed ?? Date.now() % 1_000_000);
  console.log(`seed ${seed}`);
  const maxMs = Number(values.minutes) * 60_000;
  const roles = values.roles ? mixedRoles : allRoles(Number(values.processes));
  const { shakes } = values;
  const kills = Number(values.kills);
  const result = await sweep({ seed, kills, maxMs, roles, shakes, say: (line) => console.log(line) });
  for (const [point, count] of [...result.killsByPoint].toSorted()) console.log(`${count} ${point}`);
  console.log({ seed, ...result, killsByPoint: undefined });
}
