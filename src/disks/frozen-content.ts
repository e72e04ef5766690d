import { integerOf, type JsonObject, objectOf, stringOf } from '../lib/json.ts';
import type { HeldVolume } from '../resources/content-source.ts';
import { openContent } from '../resources/open-content.ts';
import { createDeviceGuestReader } from '../volumes/device-guest-reader.ts';
import type { GuestReader } from '../volumes/guest-reader.ts';
import type { Store } from '../volumes/store.ts';
import type { Disk } from './disk.ts';
import type { DiskContents, Frozen, FrozenDisk } from './disk-contents.ts';

/** As FrozenDisk, of a disk to which perhaps nothing was ever written. An operation's input. */
export type FrozenContent = Omit<FrozenDisk, 'frozenId'> & {
  /** Undefined when nothing was ever written. */
  readonly frozenId: string | undefined;
};

export function frozenContentOf({ id, sizeBytes, base }: Disk, frozen: Frozen | undefined): FrozenContent {
  const { id: frozenId, nodeId = '' } = frozen ?? {};
  return { diskId: id, sizeBytes, volumeId: base?.volumeId, frozenId, nodeId };
}

/**
 * The volume that this content is already, byte for byte and in size: then nothing is to be stored. A disk that is
 * larger than its base is no volume yet, as a blank one is none.
 */
export function volumeOfContent({ sizeBytes, base }: Disk, frozen: Frozen | undefined): HeldVolume | undefined {
  return frozen === undefined && base?.sizeBytes === sizeBytes ? base : undefined;
}

/** The guest bytes of a frozen content, all of them. The caller disposes the reader. Throws as openContent. */
export async function openFrozenContent(
  { store, contents }: { readonly store: Store; readonly contents: DiskContents },
  content: FrozenContent,
): Promise<GuestReader & AsyncDisposable> {
  const { diskId, sizeBytes, volumeId, frozenId } = content;
  if (frozenId !== undefined) return await contents.openFrozen({ ...content, frozenId });
  const base = volumeId === undefined ? undefined : await openContent(store, { noun: 'Disk', id: diskId, volumeId });
  return {
    ...createDeviceGuestReader(base, sizeBytes, base && { device: base, isChanged: () => false }),
    async [Symbol.asyncDispose]() {
      await base?.[Symbol.asyncDispose]();
    },
  };
}

export function frozenContentToJson({ diskId, sizeBytes, volumeId, frozenId, nodeId }: FrozenContent): JsonObject {
  return { diskId, sizeBytes, volumeId: volumeId ?? null, frozenId: frozenId ?? null, nodeId };
}

/** Throws JsonShapeWrong for anything that frozenContentToJson does not make. */
export function frozenContentFromJson(value: unknown): FrozenContent {
  const json = objectOf(value, 'frozen content');
  return {
    diskId: stringOf(json, 'diskId'),
    sizeBytes: integerOf(json, 'sizeBytes'),
    volumeId: json.volumeId === null ? undefined : stringOf(json, 'volumeId'),
    frozenId: json.frozenId === null ? undefined : stringOf(json, 'frozenId'),
    nodeId: json.nodeId === undefined ? '' : stringOf(json, 'nodeId'),
  };
}
