import type { Transaction } from '../db/database.ts';
import { failedPrecondition, type ResourceNoun, sourceNotFound } from '../errors.ts';
import { dedupDomainOf } from '../folders/dedup-domain.ts';
import { standardImagesFolderId } from '../folders/standard-images.ts';
import { integerOf, objectOf, stringOf } from '../lib/json.ts';
import type { GuestDetails } from './guest-details.ts';
import type { HardwareGeneration } from './hardware-generation.ts';
import type { OriginDeprecation } from './origin.ts';
import type { Os } from './os.ts';
import type { ResourceStatus } from './resource-status.ts';

/** A volume that something holds, and what is known of it without looking. */
export interface HeldVolume {
  readonly volumeId: string;
  readonly sizeBytes: number;
  /** In hexadecimal digits. */
  readonly guestDigest: string;
}

/** Throws JsonShapeWrong for anything that is not a HeldVolume. */
export function heldVolumeFromJson(value: unknown, what: string): HeldVolume {
  const json = objectOf(value, what);
  return {
    volumeId: stringOf(json, 'volumeId'),
    sizeBytes: integerOf(json, 'sizeBytes'),
    guestDigest: stringOf(json, 'guestDigest'),
  };
}

/** An image, a disk or a snapshot, as something that another may be made from. */
export interface ContentSource {
  readonly id: string;
  readonly name: string;
  /** Of a disk; the others are in no zone. */
  readonly zoneId?: string;
  readonly folderId: string;
  readonly status: ResourceStatus;
  /** Its content, or what is under what was written since; undefined for a disk that began blank. */
  readonly volume: HeldVolume | undefined;
  /** What is made from it has at least so many bytes. */
  readonly minSizeBytes: number;
  readonly productIds: readonly string[];
  /** Undefined when it is not known. */
  readonly os: Os | undefined;
  readonly hardwareGeneration: HardwareGeneration;
  readonly guest: GuestDetails;
  /** Of an image: what its owner says of its age. */
  readonly deprecation?: OriginDeprecation | undefined;
}

/** Finds a source and holds its row until the transaction ends, so that its volume stays needed by someone. */
export type HoldSource<S extends ContentSource = ContentSource> = (
  tx: Transaction,
  id: string,
) => Promise<S | undefined>;

/**
 * Holds the source that a Create into `folderId` names. Throws FAILED_PRECONDITION when there is none, when it is not
 * READY, and when it is in another cloud: stored bytes are never shared between clouds. Those of standard images are
 * everybody's: what is made of one names the same volume, and what is written over it is stored in its own cloud.
 */
export async function holdSource<S extends ContentSource>(
  tx: Transaction,
  hold: HoldSource<S>,
  { noun, id, folderId }: { readonly noun: ResourceNoun; readonly id: string; readonly folderId: string },
): Promise<S> {
  const source = await hold(tx, id);
  if (source === undefined) throw sourceNotFound(noun, id);
  if (source.status !== 'READY') {
    throw failedPrecondition(
      'SOURCE_NOT_READY',
      `${noun} "${id}" cannot be a source: it is ${source.status}, not READY`,
    );
  }
  const isEverybodys = noun === 'Image' && source.folderId === standardImagesFolderId;
  if (!isEverybodys && source.folderId !== folderId && (await isInAnotherCloud(tx, source.folderId, folderId))) {
    throw failedPrecondition('SOURCE_IN_ANOTHER_CLOUD', `${noun} "${id}" cannot be a source: it is in another cloud`);
  }
  return source;
}

export async function isInAnotherCloud(tx: Transaction, oneFolderId: string, otherFolderId: string): Promise<boolean> {
  return (await dedupDomainOf(tx, oneFolderId)) !== (await dedupDomainOf(tx, otherFolderId));
}
