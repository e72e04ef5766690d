import type { JsonObject } from '@bufbuild/protobuf';
import { DoorError } from '../fixtures/doors.ts';
import { NbdClient, type RawRequest } from '../fixtures/nbd-client.ts';
import { BlockLedger, blockBytes, checkBlocks, type PossibleVersions } from './block-ledger.ts';
import { type CrashClient, NoAnswer } from './client.ts';
import { maxAttempts } from './expected-images.ts';
import type { OpenChanges } from './open-changes.ts';
import type { Random } from './random.ts';

const blocks = 1024;
const diskBytes = blocks * blockBytes;
const disksMost = 3;
const copiesMost = 4;
const requestType = { write: 1, flush: 3 } as const;
const fua = 1;
/** gRPC's codes. */
const notFound = 5;
const failedPrecondition = 9;

/** A device answered with an error. */
export class DeviceFailed extends Error {
  constructor(code: number) {
    super(`NBD error ${code}`);
    this.name = 'DeviceFailed';
  }
}

/** A disk as those who write it know it. */
interface ExpectedDisk {
  readonly id: string;
  readonly ledger: BlockLedger;
  /** Undefined when it has none, or may have one that was never heard of. */
  attachment: Attachment | undefined;
  /** Since it was last read whole a service has died, or was made to fail: what was not flushed may be lost. */
  mayHaveLost: boolean;
}

/** A snapshot or an image of a disk. */
interface ExpectedCopy {
  readonly kind: 'snapshot' | 'image';
  readonly id: string;
  readonly operationId: string;
  versions: PossibleVersions;
  state: 'making' | 'ready' | 'gone';
  mayFail: boolean;
  deaths: number;
  /** It was read, and is from then on to have just these versions. */
  isRead: boolean;
}

interface Attachment {
  readonly id: string;
  readonly ticket: string;
}

/** A process that is asked, for one step. */
export interface DiskUser {
  readonly client: CrashClient;
  readonly folderId: string;
}

/** What is written to disks, and what their snapshots and images may hold. */
export class ExpectedDisks {
  readonly #changes: OpenChanges;
  readonly #random: Random;
  readonly #findSocket: (attachmentId: string) => Promise<string>;
  #disks: ExpectedDisk[] = [];
  #copies: ExpectedCopy[] = [];
  #made = 0;
  copiesRead = 0;

  /** `findSocket` finds the NBD socket of an attachment's node, and throws NoAnswer when it does not run. */
  constructor(changes: OpenChanges, random: Random, findSocket: (attachmentId: string) => Promise<string>) {
    this.#changes = changes;
    this.#random = random;
    this.#findSocket = findSocket;
  }

  /** Images that are READY for sure. */
  get imageIds(): string[] {
    return this.#copies.flatMap(({ kind, id, state }) => (kind === 'image' && state === 'ready' ? [id] : []));
  }

  /** A service has died. */
  died(): void {
    for (const disk of this.#disks) disk.mayHaveLost = true;
    for (const copy of this.#making) {
      copy.deaths += 1;
      if (copy.deaths >= maxAttempts) copy.mayFail = true;
    }
  }

  /** Calls of a service were made to fail. */
  failed(): void {
    for (const disk of this.#disks) disk.mayHaveLost = true;
    for (const copy of this.#making) copy.mayFail = true;
  }

  /** One thing that a disk's user may do. */
  async step(user: DiskUser): Promise<void> {
    const random = this.#random;
    const dice = random.next();
    const disk = this.#disks.length === 0 ? undefined : random.pick(this.#disks);
    const ready = this.#copies.filter(({ state }) => state === 'ready');
    if (disk === undefined || (dice < 0.1 && this.#disks.length < disksMost)) await this.#createDisk(user, ready);
    else if (dice < 0.45) await this.#write(user, disk);
    else if (dice < 0.55) await this.#checkDisk(user, disk);
    else if (dice < 0.75 && this.#copies.length < copiesMost) await this.#copy(user, disk);
    else if (dice < 0.85) {
      await this.#poll(user);
      if (ready.length > 0) await this.#checkCopy(user, random.pick(ready));
    } else if (dice < 0.92) {
      if (ready.length > 0) await this.#deleteCopy(user, random.pick(ready));
    } else if (dice < 0.97) await this.#detach(user, disk);
    else await this.#deleteDisk(user, disk);
  }

  /** Whether every snapshot and image is made. */
  async isSettled(user: DiskUser): Promise<boolean> {
    await this.#poll(user);
    return this.#making.length === 0;
  }

  /** Reads all that there is, and leaves no attachment. */
  async checkAll(user: DiskUser): Promise<void> {
    for (const disk of this.#disks) await this.#checkDisk(user, disk);
    for (const copy of this.#copies) await this.#checkCopy(user, copy);
    for (const { id } of await this.#attachments(user)) await this.#deleteAttachment(user, id);
    for (const disk of this.#disks) disk.attachment = undefined;
  }

  /** Of disks without attachments. */
  async deleteAll(user: DiskUser): Promise<void> {
    for (const copy of this.#copies) await this.#deleteCopy(user, copy);
    for (const disk of this.#disks) await this.#deleteDisk(user, disk);
  }

  get #making(): ExpectedCopy[] {
    return this.#copies.filter(({ state }) => state === 'making');
  }

  async #createDisk({ client, folderId }: DiskUser, ready: readonly ExpectedCopy[]): Promise<void> {
    // What it has is known to the block only of a copy that was read.
    const known = ready.filter(({ isRead }) => isRead);
    const source = known.length === 0 || this.#random.chance(0.4) ? undefined : this.#random.pick(known);
    const body = { folderId, zoneId: 'ru-central1-a', size: String(diskBytes), ...idOf(source) };
    const ledger = new BlockLedger(blocks, source?.versions.least);
    await this.#changes.ask(client, 'DiskService.Create', body, {
      answered: ({ metadata }) => {
        this.#disks.push({ id: metadata.diskId, ledger, attachment: undefined, mayHaveLost: false });
      },
      mayBeRefused: ({ code }) => code === notFound && source?.state === 'gone',
    });
  }

  async #deleteDisk(user: DiskUser, disk: ExpectedDisk): Promise<void> {
    await this.#detach(user, disk);
    this.#disks = this.#disks.filter((other) => other !== disk);
    await this.#changes.ask(user.client, 'DiskService.Delete', { diskId: disk.id }, { answered() {} });
  }

  async #write(user: DiskUser, disk: ExpectedDisk): Promise<void> {
    const random = this.#random;
    using device = await this.#open(user, disk);
    for (let left = 1 + random.below(6); left > 0; left -= 1) {
      const count = 1 + random.below(random.pick([2, 8, 64]));
      const first = random.below(blocks - count);
      const { bytes: payload, acknowledged } = disk.ledger.send(first, count, 0);
      const isDurable = random.chance(0.2);
      const offset = first * blockBytes;
      await ask(device, { type: requestType.write, flags: isDurable ? fua : 0, offset, payload });
      acknowledged(isDurable);
    }
    if (random.chance(0.4)) return;
    const flushed = disk.ledger.flush();
    await ask(device, { type: requestType.flush });
    flushed();
  }

  async #checkDisk(user: DiskUser, disk: ExpectedDisk): Promise<void> {
    const { ledger } = disk;
    using device = await this.#open(user, disk);
    const bytes = await readAll(device);
    if (disk.mayHaveLost) ledger.restarted(bytes);
    else checkBlocks(bytes, { least: ledger.acknowledged, most: ledger.sent }, `disk ${disk.id}`);
    disk.mayHaveLost = false;
  }

  async #copy({ client, folderId }: DiskUser, disk: ExpectedDisk): Promise<void> {
    const { ledger } = disk;
    const kind = this.#random.pick(['snapshot', 'image'] as const);
    const method = kind === 'snapshot' ? 'SnapshotService.Create' : 'ImageService.Create';
    const [acknowledged, flushed, sent] = [ledger.acknowledged.slice(), ledger.flushed.slice(), ledger.sent.slice()];
    const hadLost = disk.mayHaveLost;
    this.#made += 1;
    const body = { folderId, name: `copy-${this.#made}`, diskId: disk.id };
    await this.#changes.ask(client, method, body, {
      answered: ({ id: operationId, metadata }, times) => {
        const id = String(kind === 'snapshot' ? metadata.snapshotId : metadata.imageId);
        // Asked more than once it is of any moment since, by when what was not flushed may have been lost.
        const least = hadLost || times > 1 ? flushed : acknowledged;
        const most = sent.map((version, block) => Math.max(version, ledger.sent[block] ?? 0));
        const versions = { least, most };
        const state = 'making';
        this.#copies.push({ kind, id, operationId, versions, state, mayFail: false, deaths: 0, isRead: false });
      },
      mayBeRefused: ({ code, message }) =>
        (code === failedPrecondition && /still being stored/.test(message)) ||
        (code === notFound && !this.#disks.includes(disk)),
    });
  }

  async #poll({ client }: DiskUser): Promise<void> {
    for (const copy of this.#making) {
      const operation = await client.call('OperationService.Get', { operationId: copy.operationId });
      if (operation.done !== true) continue;
      if (operation.error === undefined) copy.state = 'ready';
      else if (copy.mayFail) this.#forget(copy);
      else throw new Error(`the ${copy.kind} ${copy.id} failed: ${JSON.stringify(operation.error)}`);
    }
  }

  async #checkCopy(user: DiskUser, copy: ExpectedCopy): Promise<void> {
    const { kind, id } = copy;
    const attachment = await attach(user, idOf(copy));
    {
      using device = await this.#connect(attachment);
      const found = checkBlocks(await readAll(device), copy.versions, `${kind} ${id}`);
      copy.versions = { least: found, most: found };
      copy.isRead = true;
      this.copiesRead += 1;
    }
    await this.#deleteAttachment(user, attachment.id);
  }

  async #deleteCopy({ client }: DiskUser, copy: ExpectedCopy): Promise<void> {
    this.#forget(copy);
    const method = copy.kind === 'snapshot' ? 'SnapshotService.Delete' : 'ImageService.Delete';
    await this.#changes.ask(client, method, idOf(copy), { answered() {} });
  }

  #forget(copy: ExpectedCopy): void {
    copy.state = 'gone';
    this.#copies = this.#copies.filter((other) => other !== copy);
  }

  async #detach(user: DiskUser, disk: ExpectedDisk): Promise<void> {
    const { attachment } = disk;
    disk.attachment = undefined;
    const durable = disk.ledger.flush();
    if (attachment === undefined) await this.#detachUnheard(user, disk);
    else await this.#deleteAttachment(user, attachment.id);
    durable();
  }

  /** Attachments of a disk that were made and not heard of. */
  async #detachUnheard(user: DiskUser, { id }: ExpectedDisk): Promise<void> {
    for (const attachment of await this.#attachments(user)) {
      if (attachment.diskId === id) await this.#deleteAttachment(user, attachment.id);
    }
  }

  async #attachments({ client, folderId }: DiskUser): Promise<{ id: string; diskId?: string }[]> {
    const { attachments = [] } = await client.call('AttachmentService.List', { folderId, pageSize: '1000' });
    return attachments;
  }

  /** May be repeated. */
  async #deleteAttachment({ client }: DiskUser, attachmentId: string): Promise<void> {
    await client.call('AttachmentService.Delete', { attachmentId }).catch((error: unknown) => {
      if (!(error instanceof DoorError && error.code === notFound)) throw error;
    });
  }

  async #open(user: DiskUser, disk: ExpectedDisk): Promise<NbdClient> {
    if (disk.attachment === undefined) {
      await this.#detachUnheard(user, disk);
      disk.attachment = await attach(user, { diskId: disk.id });
    }
    return this.#connect(disk.attachment);
  }

  async #connect({ id, ticket }: Attachment): Promise<NbdClient> {
    const path = await this.#findSocket(id);
    try {
      return await NbdClient.using({ path }, ticket);
    } catch (error) {
      throw new NoAnswer(error);
    }
  }
}

function idOf(copy: Pick<ExpectedCopy, 'kind' | 'id'> | undefined): JsonObject {
  if (copy === undefined) return {};
  return copy.kind === 'snapshot' ? { snapshotId: copy.id } : { imageId: copy.id };
}

async function attach({ client }: DiskUser, resource: JsonObject): Promise<Attachment> {
  const { id, uri } = await client.call('AttachmentService.Create', resource);
  return { id, ticket: new URL(uri).pathname.slice(1) };
}

async function ask(device: NbdClient, request: RawRequest): Promise<void> {
  device.request(request);
  const { error } = await device.answer().catch(lost);
  if (error !== 0) throw new DeviceFailed(error);
}

async function readAll(device: NbdClient): Promise<Buffer> {
  const bytes = await device.readAt(0, diskBytes).catch(lost);
  if (!Buffer.isBuffer(bytes)) throw new DeviceFailed(bytes.error);
  return bytes;
}

function lost(failure: unknown): never {
  throw new NoAnswer(failure);
}
