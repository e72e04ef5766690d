import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { FileServer } from '../fixtures/file-server.ts';
import { temporaryDirectory } from '../fixtures/obraz.ts';
import { runOn } from '../fixtures/run-servers.ts';
import { createRunStorage, type ServiceStorage } from '../fixtures/service-storage.ts';
import { checkAll, checkImage } from './check-images.ts';
import { type CrashClient, NoAnswer } from './client.ts';
import { findLeftovers, findUploads } from './data-rows.ts';
import type { DiskFile } from './disk-files.ts';
import { DeviceFailed, ExpectedDisks } from './expected-disks.ts';
import { ExpectedImages } from './expected-images.ts';
import type { FaultChoice } from './fault-choice.ts';
import type { Fault } from './faults.ts';
import type { Ground } from './ground.ts';
import type { InterruptedUpload } from './interrupted-uploads.ts';
import { lookAfterStore, mustBeSound, storeIsFree } from './look-after-store.ts';
import { type Node, Nodes, type RolesOfProcesses } from './nodes.ts';
import { isPassing, OpenChanges } from './open-changes.ts';
import type { Random } from './random.ts';
import { EndedEarly } from './start.ts';

/** What a client does in one life at most; a life without a death of its own is then ended. */
const maxSteps = 30;
/** And the longest that a life may be, however slow the machine is. */
const maxLifeMs = 3_000;
/** A life that only the clock ends is shorter than this. */
const maxClockMs = 1_500;
/** What was begun must end in this time once nothing fails any more. */
const settleMs = 60_000;
const names = Array.from({ length: 12 }, (_, index) => `image-${index}`);

export interface EpisodeParts {
  readonly random: Random;
  readonly choice: FaultChoice;
  readonly files: readonly DiskFile[];
  readonly server: FileServer;
  /** Of the processes that serve at once; more than one need {PostgreSQL, S3}. */
  readonly roles: RolesOfProcesses;
  /** What they stand on, where it may give way, too. */
  readonly ground?: Ground | undefined;
}

/** One installation and what is done to it. */
export interface Episode extends AsyncDisposable {
  /** What happened, for whoever looks into a failure. */
  readonly story: string[];
  /** One life with a fault; says how it ended. */
  live(): Promise<'kills' | 'failures'>;
  /** The life without faults. Returns how many images were read back, and snapshots and images of disks. */
  end(): Promise<{ images: number; copies: number }>;
}

export async function openEpisode({ random, choice, files, server, roles, ground }: EpisodeParts): Promise<Episode> {
  const directory = await temporaryDirectory();
  /** Undefined for what the run is on. Now and then without tables, so that the first start is a migration, too. */
  async function createStorage(): Promise<ServiceStorage | undefined> {
    if (runOn === 'sqlite+local') return undefined;
    const isEmpty = random.chance(0.25);
    return ground === undefined ? createRunStorage({ isEmpty }) : ground.createStorage({ isEmpty });
  }
  const pointsFile = join(directory.path, 'points');
  const nodes = Nodes.open(directory.path, roles, await createStorage());
  const [changes, diskChanges] = [new OpenChanges(), new OpenChanges()];
  const expected = new ExpectedImages(changes);
  const disks = new ExpectedDisks(diskChanges, random, (attachmentId) => nodes.findSocket(attachmentId));
  const story: string[] = [];
  let hasServed = false;
  let upload: InterruptedUpload | undefined;
  const uris = new Map(files.map((file) => [file, server.put(file.name, file.bytes, file.headers)]));

  /** One thing that a client may do. */
  async function step({ client, sender, obraz: { folderId } }: Node): Promise<void> {
    await changes.askAgain(client);
    await ofDisks(() => diskChanges.askAgain(client));
    if (random.chance(0.3)) {
      await ofDisks(() => disks.step({ client, folderId }));
      return;
    }
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
      await uploadSome({ client, sender }, { folderId, name: free[0] });
    } else {
      for (const image of making) await expected.poll(client, image);
      await wait(random.below(60));
    }
  }

  /** A file goes up over several steps and lives, and becomes an image. */
  async function uploadSome(
    { client, sender }: Pick<Node, 'client' | 'sender'>,
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
    const dies = fault === undefined || fault.does === 'kill';
    const mayFail = ground !== undefined || !dies;
    const [steps, clockMs] = [5 + random.below(maxSteps), random.below(maxClockMs)];
    const victim = random.below(roles.length);
    story.push(`${victim}: ${fault === undefined ? `killed after ${clockMs} ms` : JSON.stringify(fault)}`);
    let shaken: Promise<void> | undefined;
    try {
      await nodes.kill(victim);
      const node = await nodes.start(victim, { fault, pointsFile });
      hasServed = true;
      shaken = ground?.shake(
        random,
        () => nodes.running,
        (what) => void story.push(what),
      );
      // The others go on from life to life, and take over what the dead one has begun.
      await nodes.startOthers();
      const endAt = performance.now() + maxLifeMs;
      if (fault === undefined) setTimeout(() => void node.obraz.end('SIGKILL'), clockMs);
      for (let done = 0; done < steps && performance.now() < endAt && !node.isOver(); done += 1) {
        if (mayFail) markFailed();
        const asked = random.pick(nodes.answering);
        try {
          await step(asked);
        } catch (error) {
          const isOfDisks = error instanceof DisksFailed;
          const cause = isOfDisks ? error.cause : error;
          if (cause instanceof NoAnswer && asked === node) break;
          if (isOfDisks && (node.isOver() || (await endsSoon(node)))) break;
          if (cause instanceof NoAnswer && ground !== undefined && !asked.isOver()) continue;
          if (!(mayFail && (isPassing(cause) || cause instanceof DeviceFailed))) throw error;
        }
      }
      await wait(0);
      if (fault?.does === 'kill' && (node.isOver() || (await endsSoon(node)))) struck(fault);
      // What was to fail and did not may fail at any time; it does not serve on.
      await nodes.kill(victim);
    } catch (error) {
      if (!(error instanceof EndedEarly)) throw error;
      if (error.signal === 'SIGKILL' && fault !== undefined) struck(fault);
      else if (!mayFail) throw error;
    } finally {
      await shaken;
      await choice.learn(stage, pointsFile);
    }
    if (mayFail) markFailed();
    expected.died();
    disks.died();
    return dies ? 'kills' : 'failures';
  }

  function markFailed(): void {
    expected.failed();
    disks.failed();
  }

  function struck({ point, when }: Fault): void {
    const key = `${when} ${point ?? 'any'}`;
    choice.struck.set(key, (choice.struck.get(key) ?? 0) + 1);
  }

  async function end(): Promise<{ images: number; copies: number }> {
    story.push('a life without faults');
    await nodes.startOthers();
    const { client, sender, folderId } = first();
    await changes.askAgain(client);
    await diskChanges.askAgain(client);
    // After all that it still takes one in.
    const file = random.pick(files);
    const last = { name: 'last', folderId, sha256: file.guestSha256 };
    await expected.create(client, { uri: uris.get(file) ?? '' }, last);
    await untilTrue('every operation is done', async () => {
      for (const image of expected.making) await expected.poll(client, image);
      return expected.making.length === 0 && (await disks.isSettled({ client, folderId }));
    });
    await disks.checkAll({ client, folderId });
    let images = 0;
    for (const node of nodes.answering) images = await checkImages(node.client);
    await untilTrue('an operation on the store of an earlier life is done', async () => storeIsFree(client));
    for (const id of await findUploads(nodes.dataDirectory(0))) await sender.remove(id);
    if (random.chance(0.3)) {
      for (const image of expected.ready) await expected.delete(client, image);
      await disks.deleteAll({ client, folderId });
    }
    await nodes.end();

    await nodes.startOthers();
    let left: string[] = [];
    await untilTrue('nothing is left that nobody needs', async () => {
      left = await findLeftovers(nodes.dataDirectories);
      return left.length === 0;
    }).catch((error) => {
      throw new Error(`${error.message}: ${left.join(', ')}`);
    });
    await mustBeSound(first().client);
    await disks.checkAll(first());
    await checkImages(first().client);
    return { images, copies: disks.copiesRead };
  }

  function checkImages(client: CrashClient): Promise<number> {
    return checkAll(client, expected, { folderId: first().folderId, besides: disks.imageIds });
  }

  /** Of those that answer; by the end they all do. */
  function first() {
    const [node] = nodes.answering;
    if (node === undefined) throw new Error('no process that could be asked runs');
    return { ...node, folderId: node.obraz.folderId };
  }

  async function dispose(): Promise<void> {
    await nodes[Symbol.asyncDispose]();
    await rm(directory.path, { recursive: true, force: true });
  }

  return { story, live, end, [Symbol.asyncDispose]: dispose };
}

/** Something of a disk had no answer, or one that a service that fails may give. */
class DisksFailed extends Error {}

/**
 * A disk may be at another process than the one that is asked, and what is asked of it then waits for who is dead: of images
 * nobody but the process that is asked may be missed.
 */
async function ofDisks(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const mayBeAway = error instanceof NoAnswer || error instanceof DeviceFailed || isPassing(error);
    throw mayBeAway ? new DisksFailed('of a disk', { cause: error }) : error;
  }
}

/** A kill is on its way when the client loses its connection. */
async function endsSoon({ obraz }: Node): Promise<boolean> {
  return Promise.race([obraz.ended.then(() => true), wait(200, false, { ref: false })]);
}

async function untilTrue(what: string, check: () => Promise<boolean>): Promise<void> {
  const endAt = performance.now() + settleMs;
  while (!(await check())) {
    if (performance.now() > endAt) throw new Error(`not in ${settleMs} ms: ${what}`);
    await wait(20);
  }
}
