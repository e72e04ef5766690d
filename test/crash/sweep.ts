import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { DoorError } from '../fixtures/doors.ts';
import { type FileServer, startFileServer } from '../fixtures/file-server.ts';
import { temporaryDirectory } from '../fixtures/obraz.ts';
import { type CrashClient, NoAnswer, openCrashClient } from './client.ts';
import { findLeftovers, findUploads } from './data-rows.ts';
import { type DiskFile, makeDiskFiles } from './disk-files.ts';
import { ExpectedImages, isPassing } from './expected-images.ts';
import { FaultChoice } from './fault-choice.ts';
import type { Fault } from './faults.ts';
import { type InterruptedUpload, UploadSender } from './interrupted-uploads.ts';
import { createRandom, type Random } from './random.ts';
import { dropPrepared, EndedEarly, type FaultyObraz, prepareStart, startWithFaults } from './start.ts';

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
/** What a client does in one life at most; a life without a death of its own is then ended. */
const maxSteps = 40;
/** And the longest that a life may be, however slow the machine is. */
const maxLifeMs = 5_000;
/** A life that only the clock ends is shorter than this. */
const maxClockMs = 1_500;
/** What was begun must end in this time once nothing fails any more. */
const settleMs = 60_000;
const collector = { everyMs: 250, soonMs: 50 };
const names = Array.from({ length: 12 }, (_, index) => `image-${index}`);

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

interface EpisodeParts {
  readonly random: Random;
  readonly choice: FaultChoice;
  readonly files: readonly DiskFile[];
  readonly server: FileServer;
}

interface Episode extends AsyncDisposable {
  /** What happened, for whoever looks into a failure. */
  readonly story: string[];
  /** One life with a fault; says how it ended. */
  live(): Promise<'kills' | 'failures'>;
  /** The life without faults. Returns how many images were read back. */
  end(): Promise<number>;
}

async function openEpisode({ random, choice, files, server }: EpisodeParts): Promise<Episode> {
  const directory = await temporaryDirectory();
  const dataDirectory = join(directory.path, 'data');
  const pointsFile = join(directory.path, 'points');
  const expected = new ExpectedImages();
  const story: string[] = [];
  let hasServed = false;
  let upload: InterruptedUpload | undefined;
  const uris = new Map(files.map((file) => [file, server.put(file.name, file.bytes, file.headers)]));

  /** One thing that a client may do. */
  async function step(client: CrashClient, sender: UploadSender, folderId: string): Promise<void> {
    await expected.askAgain(client);
    const free = names.filter((name) => !expected.all.some((image) => image.name === name && image.state !== 'gone'));
    const [ready, making] = [expected.ready, expected.making];
    const dice = random.next();
    if (dice < 0.4 && free.length > 0) {
      const file = random.pick(files);
      const image = { name: random.pick(free), folderId, sha256: file.guestSha256 };
      await expected.create(client, { uri: uris.get(file) ?? '' }, image);
    } else if (dice < 0.5 && free.length > 0 && ready.length > 0) {
      const source = random.pick(ready);
      const image = { name: random.pick(free), folderId, sha256: source.sha256 };
      await expected.create(client, { imageId: source.id }, image);
    } else if (dice < 0.6 && ready.length > 2) {
      await expected.delete(client, random.pick(ready));
    } else if (dice < 0.65 && making.length > 0) {
      await expected.delete(client, random.pick(making));
    } else if (dice < 0.7 && making.length > 0) {
      await expected.cancel(client, random.pick(making));
    } else if (dice < 0.75 && ready.length > 0 && free.length > 0) {
      await expected.rename(client, random.pick(ready), random.pick(free));
    } else if (dice < 0.82 && ready.length > 0) {
      await checkImage(client, random.pick(ready));
    } else if (dice < 0.9) {
      await uploadSome(client, sender, { folderId, name: free[0] });
    } else {
      for (const image of making) await expected.poll(client, image);
      await wait(random.below(60));
    }
  }

  /** A file goes up over several steps and lives, and becomes an image. */
  async function uploadSome(
    client: CrashClient,
    sender: UploadSender,
    { folderId, name }: { folderId: string; name: string | undefined },
  ): Promise<void> {
    if (upload === undefined) {
      upload = await sender.begin(random.pick(files));
      return;
    }
    if (!(await sender.sendSome(upload, random)) || name === undefined) return;
    const { id, file } = upload;
    upload = undefined;
    await expected.create(client, { uri: `obraz:upload/${id}` }, { name, folderId, sha256: file.guestSha256 });
  }

  async function live(): Promise<'kills' | 'failures'> {
    const stage = hasServed ? 'later' : 'first start';
    const fault = choice.next(stage);
    const mayFail = fault !== undefined && fault.does !== 'kill';
    const [steps, clockMs] = [5 + random.below(maxSteps), random.below(maxClockMs)];
    story.push(fault === undefined ? `killed after ${clockMs} ms` : JSON.stringify(fault));
    try {
      await using obraz = await startWithFaults({ dataDirectory, pointsFile, collector, ...(fault && { fault }) });
      hasServed = true;
      prepareStart();
      await using client = openCrashClient(obraz);
      await using sender = new UploadSender(obraz);
      const endAt = performance.now() + maxLifeMs;
      if (fault === undefined) setTimeout(() => void obraz.end('SIGKILL'), clockMs);
      let isOver = false;
      void obraz.ended.then(() => {
        isOver = true;
      });
      for (let done = 0; done < steps && performance.now() < endAt && !isOver; done += 1) {
        if (mayFail) expected.failed();
        try {
          await step(client, sender, obraz.folderId);
        } catch (error) {
          if (error instanceof NoAnswer) break;
          if (!(mayFail && isPassing(error))) throw error;
        }
      }
      await wait(0);
      if (fault?.does === 'kill' && (isOver || (await endsSoon(obraz)))) struck(fault);
    } catch (error) {
      if (!(error instanceof EndedEarly)) throw error;
      if (error.signal === 'SIGKILL' && fault !== undefined) struck(fault);
      else if (!mayFail) throw error;
    } finally {
      await choice.learn(stage, pointsFile);
    }
    if (mayFail) expected.failed();
    expected.died();
    return mayFail ? 'failures' : 'kills';
  }

  function struck({ point, when }: Fault): void {
    const key = `${when} ${point ?? 'any'}`;
    choice.struck.set(key, (choice.struck.get(key) ?? 0) + 1);
  }

  async function end(): Promise<number> {
    story.push('a life without faults');
    {
      await using obraz = await startWithFaults({ dataDirectory, collector });
      prepareStart();
      await using client = openCrashClient(obraz);
      await expected.askAgain(client);
      await untilTrue('every operation is done', async () => {
        for (const image of expected.making) await expected.poll(client, image);
        return expected.making.length === 0;
      });
      await checkAll(client, expected, obraz.folderId);
      await using sender = new UploadSender(obraz);
      for (const id of findUploads(dataDirectory)) await sender.remove(id);
      if (random.chance(0.3)) for (const image of expected.ready) await expected.delete(client, image);
      const code = await obraz.end('SIGTERM');
      if (code !== 0) throw new Error(`the service ended with ${code} on SIGTERM: ${obraz.log()}`);
    }
    await using obraz = await startWithFaults({ dataDirectory, collector });
    prepareStart();
    let left: string[] = [];
    await untilTrue('nothing is left that nobody needs', async () => {
      left = await findLeftovers(dataDirectory);
      return left.length === 0;
    }).catch((error) => {
      throw new Error(`${error.message}: ${left.join(', ')}`);
    });
    await using client = openCrashClient(obraz);
    return await checkAll(client, expected, obraz.folderId);
  }

  return { story, live, end, [Symbol.asyncDispose]: () => rm(directory.path, { recursive: true, force: true }) };
}

/** A kill is on its way when the client loses its connection. */
async function endsSoon(obraz: FaultyObraz): Promise<boolean> {
  return Promise.race([obraz.ended.then(() => true), wait(200, false, { ref: false })]);
}

async function checkImage(client: CrashClient, image: { id: string; name: string; sha256: string }): Promise<void> {
  const { status, name } = await client.call('ImageService.Get', { imageId: image.id });
  if (status !== 'READY') throw new Error(`${image.name} was READY and is ${status}`);
  if (name !== image.name) throw new Error(`${image.name} is called ${name}`);
  const found = await client.contentSha256(image.id);
  if (found !== image.sha256) throw new Error(`${image.name} reads back as ${found}, it was ${image.sha256}`);
}

/** The folder has what it should, no more and no less, with the right names and bytes. Returns the images read. */
async function checkAll(client: CrashClient, expected: ExpectedImages, folderId: string): Promise<number> {
  const { images = [] } = await client.call('ImageService.List', { folderId, pageSize: 1000 });
  const listed = (images as { id: string }[]).map(({ id }) => id).toSorted(); // of Image messages
  const wanted = expected.ready.map(({ id }) => id).toSorted();
  if (listed.join() !== wanted.join()) throw new Error(`the folder has ${listed}; it should have ${wanted}`);
  for (const image of expected.ready) await checkImage(client, image);
  for (const { id, state } of expected.all) {
    if (state !== 'gone') continue;
    const answer = await client.call('ImageService.Get', { imageId: id }).catch((error: unknown) => error);
    if (!(answer instanceof DoorError && answer.code === 5)) throw new Error(`${id} should be gone`);
  }
  return wanted.length;
}

async function untilTrue(what: string, check: () => Promise<boolean>): Promise<void> {
  const endAt = performance.now() + settleMs;
  while (!(await check())) {
    if (performance.now() > endAt) throw new Error(`not in ${settleMs} ms: ${what}`);
    await wait(20);
  }
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
