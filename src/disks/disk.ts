import type { HeldVolume } from '../resources/content-source.ts';
import type { GuestDetails } from '../resources/guest-details.ts';
import type { HardwareGeneration } from '../resources/hardware-generation.ts';
import type { Origin } from '../resources/origin.ts';
import type { Os } from '../resources/os.ts';
import type { ResourceStatus } from '../resources/resource-status.ts';

/** A wish where a disk is kept. It is kept and shown, and changes nothing here. */
export interface PlacementPolicy {
  /** Empty for none. */
  readonly groupId: string;
  readonly partition: number;
}

export const noPlacementPolicy: PlacementPolicy = { groupId: '', partition: 0 };

/** What a disk was made from. */
export interface DiskSource {
  readonly kind: 'image' | 'snapshot';
  /** It may be deleted by now. */
  readonly id: string;
}

/** A disk as the service knows it; the doors translate it. What was written to it is not here: see disk-contents.ts. */
export interface Disk {
  readonly id: string;
  readonly folderId: string;
  readonly createdAt: Date;
  /** Empty for an unnamed disk; otherwise unique in its folder. */
  readonly name: string;
  readonly description: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly typeId: string;
  readonly zoneId: string;
  /** A whole number of blocks; never becomes less. */
  readonly sizeBytes: number;
  readonly blockSizeBytes: number;
  readonly productIds: readonly string[];
  /** READY from the first moment that anybody sees it. */
  readonly status: ResourceStatus;
  readonly source: DiskSource | undefined;
  /** What its image said of the guest; undefined when nobody did. */
  readonly os: Os | undefined;
  readonly hardwareGeneration: HardwareGeneration;
  readonly placementPolicy: PlacementPolicy;
  /**
   * The content that it began with, at most as long as the disk: under what was written since, and zeros behind it.
   * Undefined for a disk that began blank.
   */
  readonly base: HeldVolume | undefined;
  readonly guest: GuestDetails;
  /** `source` with what it was then; undefined for a blank disk, and for disks of earlier versions. */
  readonly origin: Origin | undefined;
}
