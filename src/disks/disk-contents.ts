import type { Queryable, Transaction } from '../db/database.ts';
import { failedPrecondition } from '../errors.ts';
import type { HeldVolume } from '../resources/content-source.ts';
import type { GuestReader } from '../volumes/guest-reader.ts';
import type { Disk } from './disk.ts';

/** What a disk held at one moment: its base, zeros behind that, and over them what was frozen. */
export interface FrozenDisk {
  readonly diskId: string;
  readonly sizeBytes: number;
  /** Undefined for a disk that began blank. Whoever stores the content holds it meanwhile. */
  readonly volumeId: string | undefined;
  readonly frozenId: string;
  /** The node that has it: another one may have something else of this name. '' for what was frozen before there were nodes. */
  readonly nodeId: string;
}

/** What was frozen of a disk, for the operation that is to store it. Either an operation takes it, or it is given back. */
export interface Frozen {
  /** Names it. */
  readonly id: string;
  /** The node that has it: nobody else can run the operation. */
  readonly nodeId: string;
  /** In the transaction that inserts the operation. Throws UNAVAILABLE when that came too late. */
  take(tx: Transaction): Promise<void>;
  /** No operation needs it. */
  giveBack(): Promise<void>;
}

/** What disks hold beyond their bases. Disks know nothing of how that is kept; service.ts hands it in. */
export interface DiskContents {
  /**
   * Freezes what the disk holds at this moment, in a time that its size does not change; writes go on elsewhere. Undefined
   * when nothing was ever written to it: it is its base still, and zeros behind that.
   *
   * What is frozen stays until it is released, whatever becomes of the disk, and across restarts. A process that dies
   * between freezing and starting the operation that stores it leaves it behind: what no operation's input names when
   * the service starts can be released.
   */
  freeze(disk: Disk): Promise<Frozen | undefined>;

  /** The frozen disk's guest bytes, all of them, at the size that it had. Dispose it; it may be opened again. */
  openFrozen(content: FrozenDisk): Promise<GuestReader & AsyncDisposable>;

  /**
   * What was frozen is needed no more. When it is `stored` as a volume, that may become the disk's base, so that what is
   * over the base stays little. May be repeated, also for what never was.
   */
  release(frozen: Pick<FrozenDisk, 'frozenId' | 'nodeId'>, stored?: HeldVolume): Promise<void>;

  /**
   * The disk is deleted: nobody needs what it holds, but for what is frozen of it. It is removed once a backup of the metadata
   * can't know the disk any more. May be repeated.
   */
  discard(diskId: string): Promise<void>;
}

/** Who has disks open. */
export interface DiskUsers {
  /** A user of the disk, by the name that people know it by; undefined when it has none. */
  findUser(db: Queryable, diskId: string): Promise<string | undefined>;
}

/** Throws FAILED_PRECONDITION, in the words that clients of the public API know, when the disk is in use. */
export async function checkUnused(tx: Transaction, users: DiskUsers, diskId: string): Promise<void> {
  const user = await users.findUser(tx, diskId);
  if (user === undefined) return;
  throw failedPrecondition('DISK_IN_USE', `Disk "${diskId}" already attached to "${user}"`);
}
