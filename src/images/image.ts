import type { GuestDetails } from '../resources/guest-details.ts';
import type { HardwareGeneration } from '../resources/hardware-generation.ts';
import type { Origin } from '../resources/origin.ts';
import type { Os } from '../resources/os.ts';
import type { ResourceStatus } from '../resources/resource-status.ts';
import type { Deprecation } from './deprecation.ts';

/** An image as the service knows it; the doors translate it. */
export interface Image {
  readonly id: string;
  readonly folderId: string;
  readonly createdAt: Date;
  /** Empty for an unnamed image; otherwise unique in its folder. */
  readonly name: string;
  readonly description: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly family: string;
  /** Stored bytes as if the image stood alone in the store, fixed when it is sealed; 0 until then. */
  readonly storageSizeBytes: number;
  /** The smallest disk that may be made from it; at least `sizeBytes`. */
  readonly minDiskSizeBytes: number;
  readonly productIds: readonly string[];
  readonly status: ResourceStatus;
  readonly os: Os;
  readonly pooled: boolean;
  readonly hardwareGeneration: HardwareGeneration;
  /** The disk's size as a guest sees it; 0 until it is known. */
  readonly sizeBytes: number;
  /** The digest of its guest bytes, 64 hexadecimal digits; '' until it is READY. */
  readonly guestDigest: string;
  /** The volume with its content; undefined until it is READY. */
  readonly volumeId: string | undefined;
  readonly guest: GuestDetails;
  /** Where its owner wants it kept. Shown, and changes nothing here. */
  readonly storageLocations: readonly string[];
  /** Undefined when nobody said anything of its age. */
  readonly deprecation: Deprecation | undefined;
  /** Undefined when it was made from a file, and for images of earlier versions. */
  readonly origin: Origin | undefined;
}
