import type { HeldVolume } from '../resources/content-source.ts';
import type { GuestDetails } from '../resources/guest-details.ts';
import type { HardwareGeneration } from '../resources/hardware-generation.ts';
import type { Origin } from '../resources/origin.ts';
import type { ResourceStatus } from '../resources/resource-status.ts';

/** A snapshot as the service knows it; the doors translate it. */
export interface Snapshot {
  readonly id: string;
  readonly folderId: string;
  readonly createdAt: Date;
  /** Empty for an unnamed snapshot; otherwise unique in its folder. */
  readonly name: string;
  readonly description: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Stored bytes as if the snapshot stood alone in the store, fixed when it becomes READY; 0 until then. */
  readonly storageSizeBytes: number;
  /** Of the disk at the moment of the snapshot. */
  readonly diskSizeBytes: number;
  readonly productIds: readonly string[];
  /** While it is CREATING its content is fixed already, and being stored. */
  readonly status: ResourceStatus;
  /** It may be deleted by now. */
  readonly sourceDiskId: string;
  readonly hardwareGeneration: HardwareGeneration;
  /** Its content, as long as the disk was; undefined until it is READY. */
  readonly volume: HeldVolume | undefined;
  readonly guest: GuestDetails;
  /** Where its owner wants it kept. Shown, and changes nothing here. */
  readonly storageLocations: readonly string[];
  /** The disk, as it was then; undefined for snapshots of earlier versions. */
  readonly origin: Origin | undefined;
}
