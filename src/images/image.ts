export type ImageStatus = 'CREATING' | 'READY' | 'ERROR' | 'DELETING';

export interface Os {
  readonly type: 'LINUX' | 'WINDOWS';
  /** Version of the NVIDIA driver in the image; empty when there is none. */
  readonly nvidiaDriver: string;
}

/** What virtual hardware the image expects. */
export type HardwareGeneration =
  | { readonly kind: 'legacy'; readonly pciTopology: 'V1' | 'V2' }
  | { readonly kind: 'generation2' };

/** What no request and no source says: the oldest generation, which every image can boot on. */
export const defaultHardwareGeneration: HardwareGeneration = { kind: 'legacy', pciTopology: 'V1' };

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
  readonly status: ImageStatus;
  readonly os: Os;
  readonly pooled: boolean;
  readonly hardwareGeneration: HardwareGeneration;
  /** The disk's size as a guest sees it; 0 until it is known. */
  readonly sizeBytes: number;
  /** The digest of its guest bytes, 64 hexadecimal digits; '' until it is READY. */
  readonly guestDigest: string;
  /** The volume with its content; undefined until it is READY. */
  readonly volumeId: string | undefined;
}
