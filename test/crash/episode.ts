import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { FileServer } from '../fixtures/file-server.ts';
import { temporaryDirectory } from '../fixtures/obraz.ts';
import { checkAll, checkImage } from './check-images.ts';
import { type CrashClient, NoAnswer, openCrashClient } from './client.ts';
import { findLeftovers, findUploads } from './data-rows.ts';
import type { DiskFile } from './disk-files.ts';
import { ExpectedImages, isPassing } from './expected-images.ts';
import type { FaultChoice } from './fault-choice.ts';
import type { Fault } from './faults.ts';
import { type InterruptedUpload, UploadSender } from './interrupted-uploads.ts';
import { lookAfterStore, mustBeSound, storeIsFree } from './look-after-store.ts';
import type { Random } from './random.ts';
import { EndedEarly, type FaultyObraz, prepareStart, startWithFaults } from './start.ts';

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

export interface EpisodeParts {
  readonly random: Random;
  readonly choice: FaultChoice;
  readonly files: readonly DiskFile[];
  readonly server: FileServer;
}

/** One data directory and what is done to it. */
export interface Episode extends AsyncDisposable {
  /** What happened, for whoever looks into a failure. */
  readonly story: string[];
  /** One life with a fault; says how it ended. */
  live(): Promise<'kills' | 'failures'>;
  /** The life without faults. Returns how many images were read back. */
  end(): Promise<number>;
}

export async function openEpisode({ random, choice, files, server }: EpisodeParts): Promise<Episode> {
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
    } else if (dice < 0.85) {
      await lookAfterStore(client, random);
    } else if (dice < 0.92) {
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
      await untilTrue('an operation on the store of an earlier life is done', async () => storeIsFree(client));
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
    await mustBeSound(client);
    return await checkAll(client, expected, obraz.folderId);
  }

  return { story, live, end, [Symbol.asyncDispose]: () => rm(directory.path, { recursive: true, force: true }) };
}

/** A kill is on its way when the client loses its connection. */
async function endsSoon(obraz: FaultyObraz): Promise<boolean> {
  return Promise.race([obraz.ended.then(() => true), wait(200, false, { ref: false })]);
}

async function untilTrue(what: string, check: () => Promise<boolean>): Promise<void> {
  const endAt = performance.now() + settleMs;
  while (!(await check())) {
    if (performance.now() > endAt) throw new Error(`not in ${settleMs} ms: ${what}`);
    await wait(20);
  }
}
