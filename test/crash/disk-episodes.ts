import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { DoorError } from '../fixtures/doors.ts';
import { NbdClient } from '../fixtures/nbd-client.ts';
import { temporaryDirectory } from '../fixtures/obraz.ts';
import { BlockLedger, blockBytes, checkBlocks, type PossibleVersions } from './block-ledger.ts';
import { type CrashClient, NoAnswer, openCrashClient } from './client.ts';
import type { Fault } from './faults.ts';
import { mustBeSound } from './look-after-store.ts';
import { createRandom, type Random } from './random.ts';
import { dropPrepared, EndedEarly, type FaultyObraz, prepareStart, startWithFaults } from './start.ts';

const writers = 4;
const blocksOfWriter = 256;
const blocks = writers * blocksOfWriter;
const diskBytes = blocks * blockBytes;
const requestType = { write: 1, flush: 3 } as const;
const fua = 1;
const collector = { everyMs: 250, soonMs: 50 };
/** Snapshots kept at a time: each is read back once it is READY, and then deleted. */
const snapshotsMost = 4;

export interface EpisodesOptions {
  readonly seed: number;
  readonly kills: number;
  readonly maxMs: number;
  readonly say?: (line: string) => void;
}

export interface EpisodesResult {
  readonly kills: number;
  readonly writes: number;
  readonly snapshotsChecked: number;
  readonly refusedSnapshots: number;
}

/** What a snapshot may hold, by its name. */
type Snapshots = Map<string, PossibleVersions & { isAnswered: boolean }>;

/**
 * One disk, written by several connections while snapshots of it are taken, in a service that is killed again and again: at a
 * random moment or at a random call of the system. After each start the same ticket opens the disk, and every block and
 * every snapshot is held against what was sent, acknowledged and flushed.
 */
export async function runDiskEpisodes({
  seed,
  kills,
  maxMs,
  say = () => {},
}: EpisodesOptions): Promise<EpisodesResult> {
  await using directory = await temporaryDirectory();
  const episodes = new DiskEpisodes(directory.path, createRandom(seed));
  const endAt = performance.now() + maxMs;
  try {
    while (episodes.kills < kills && performance.now() < endAt) {
      await episodes.run();
      say(`${episodes.kills} kills, ${episodes.writes} writes, ${episodes.snapshotsChecked} snapshots`);
    }
    await episodes.end();
  } finally {
    dropPrepared();
  }
  return episodes;
}

class DiskEpisodes implements EpisodesResult {
  kills = 0;
  writes = 0;
  snapshotsChecked = 0;
  refusedSnapshots = 0;
  readonly #dataDirectory: string;
  readonly #random: Random;
  readonly #ledger = new BlockLedger(blocks);
  readonly #snapshots: Snapshots = new Map();
  #ticket = '';
  #diskId = '';
  #names = 0;

  constructor(dataDirectory: string, random: Random) {
    this.#dataDirectory = dataDirectory;
    this.#random = random;
  }

  /** From a start to a death. */
  async run(): Promise<void> {
    const random = this.#random;
    const fault: Fault | undefined =
      this.#ticket !== '' && random.chance(0.5)
        ? { point: undefined, when: random.pick(['before', 'after']), hit: 1 + random.below(250), does: 'kill' }
        : undefined;
    try {
      await using obraz = await this.#start(fault);
      await using client = openCrashClient(obraz);
      prepareStart();
      await this.#live(obraz, client, fault === undefined ? 50 + random.below(600) : 3_000);
    } catch (error) {
      // Killed by its fault; whatever was on its way has no answer.
      const isKilled = error instanceof NoAnswer || (error instanceof EndedEarly && error.signal === 'SIGKILL');
      if (!isKilled || fault === undefined) throw error;
    }
    this.kills += 1;
  }

  /** A last life, which ends in order: every snapshot becomes READY, and fsck reads all of the store. */
  async end(): Promise<void> {
    await using obraz = await this.#start(undefined);
    await using client = openCrashClient(obraz);
    await this.#checkDisk();
    while (this.#snapshots.size > 0) {
      await this.#checkSnapshots(client, obraz.folderId);
      await wait(20);
    }
    await mustBeSound(client);
  }

  #start(fault: Fault | undefined): Promise<FaultyObraz> {
    const dataDirectory = this.#dataDirectory;
    return startWithFaults({ dataDirectory, collector, ...(fault === undefined ? {} : { fault }) });
  }

  async #live(obraz: FaultyObraz, client: CrashClient, forMs: number): Promise<void> {
    const { folderId } = obraz;
    if (this.#ticket === '') await this.#makeDisk(client, folderId);
    else await this.#checkDisk();
    await this.#checkSnapshots(client, folderId);
    const dying = (async () => {
      await Promise.race([wait(forMs), obraz.ended]);
      await obraz.end('SIGKILL');
    })();
    const working = Array.from({ length: writers }, (_, writer) => untilDeath(() => this.#write(writer)));
    await Promise.all([dying, ...working, untilDeath(() => this.#takeSnapshots(client, folderId))]);
  }

  async #makeDisk(client: CrashClient, folderId: string): Promise<void> {
    const request = { folderId, zoneId: 'ru-central1-a', size: String(diskBytes) };
    this.#diskId = (await client.call('DiskService.Create', request)).metadata.diskId;
    const { uri } = await client.call('AttachmentService.Create', { diskId: this.#diskId });
    this.#ticket = new URL(uri).pathname.slice(1);
  }

  /** Ports change, the socket's place does not. */
  async #connect(ticket: string): Promise<NbdClient> {
    try {
      return await NbdClient.using({ path: join(this.#dataDirectory, 'nbd.sock') }, ticket);
    } catch (error) {
      throw new NoAnswer(error);
    }
  }

  async #checkDisk(): Promise<void> {
    this.#ledger.restarted(await this.#readAll(this.#ticket));
  }

  async #readAll(ticket: string): Promise<Buffer> {
    using device = await this.#connect(ticket);
    const bytes = await device.readAt(0, diskBytes).catch((error: unknown) => {
      throw new NoAnswer(error);
    });
    if (!Buffer.isBuffer(bytes)) throw new Error(`NBD error ${bytes.error} at ${bytes.offset}`);
    return bytes;
  }

  /** Reads back what is READY, and deletes it. Of what had no answer there may be nothing. */
  async #checkSnapshots(client: CrashClient, folderId: string): Promise<void> {
    const { snapshots: listed = [] } = await client.call('SnapshotService.List', { folderId, pageSize: '1000' });
    const found = new Map<string, { id: string; status: string }>(
      listed.map((one: { name: string; id: string; status: string }) => [one.name, one]),
    );
    for (const [name, { isAnswered }] of this.#snapshots) {
      if (found.has(name)) continue;
      if (isAnswered) throw new Error(`snapshot ${name} was answered and is gone`);
      this.#snapshots.delete(name);
    }
    for (const [name, { id, status }] of found) {
      const versions = this.#snapshots.get(name);
      if (versions !== undefined && status === 'READY') {
        const { id: attachmentId, uri } = await client.call('AttachmentService.Create', { snapshotId: id });
        checkBlocks(await this.#readAll(new URL(uri).pathname.slice(1)), versions, `snapshot ${name}`);
        await client.call('AttachmentService.Delete', { attachmentId });
        this.snapshotsChecked += 1;
        this.#snapshots.delete(name);
      } else if (versions !== undefined) continue;
      await client.call('SnapshotService.Delete', { snapshotId: id });
    }
  }

  async #write(writer: number): Promise<void> {
    const random = this.#random;
    using device = await this.#connect(this.#ticket);
    for (;;) {
      if (random.chance(0.1)) {
        const flushed = this.#ledger.flush();
        device.request({ type: requestType.flush });
        await mustSucceed(device);
        flushed();
        continue;
      }
      const count = 1 + random.below(random.pick([2, 8, 64]));
      const first = writer * blocksOfWriter + random.below(blocksOfWriter - count);
      const { bytes, acknowledged } = this.#ledger.send(first, count, writer);
      const isDurable = random.chance(0.1);
      device.request({
        type: requestType.write,
        flags: isDurable ? fua : 0,
        offset: first * blockBytes,
        payload: bytes,
      });
      await mustSucceed(device);
      acknowledged(isDurable);
      this.writes += 1;
    }
  }

  async #takeSnapshots(client: CrashClient, folderId: string): Promise<void> {
    for (;;) {
      await wait(this.#random.below(80));
      if (this.#snapshots.size >= snapshotsMost) {
        await this.#checkSnapshots(client, folderId);
        continue;
      }
      this.#names += 1;
      const name = `snapshot-${this.#names}`;
      const { sent, acknowledged } = this.#ledger;
      const snapshot = { least: acknowledged.slice(), most: new Uint32Array(blocks), isAnswered: false };
      this.#snapshots.set(name, snapshot);
      try {
        await client.call('SnapshotService.Create', { folderId, name, diskId: this.#diskId });
        snapshot.isAnswered = true;
      } catch (error) {
        if (!(error instanceof DoorError)) throw error;
        this.#snapshots.delete(name);
        this.refusedSnapshots += 1;
        if (!/still being stored/.test(error.message)) throw error;
      } finally {
        snapshot.most.set(sent);
      }
    }
  }
}

/** Works until there are no more answers. */
async function untilDeath(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
  }
}

async function mustSucceed(device: NbdClient): Promise<void> {
  const { error } = await device.answer().catch((failure: unknown) => {
    throw new NoAnswer(failure);
  });
  if (error !== 0) throw new Error(`NBD error ${error}`);
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { kills: { type: 'string', default: '200' }, seed: { type: 'string' } } });
  const seed = Number(values.seed ?? Date.now() % 1_000_000);
  console.log(`seed ${seed}`);
  const kills = Number(values.kills);
  console.log(await runDiskEpisodes({ seed, kills, maxMs: 36_000_000, say: (line) => console.log(line) }));
}
