import type { StoredDevice } from './stored-device.ts';

/** What stands between volumes and those who read them bit by bit: the cache, or the pool in front of it. */
export interface VolumeReads {
  /** The volume's device, read more quickly. Disposing it disposes `device`. */
  wrap(device: StoredDevice, volumeId: string): StoredDevice;
}
