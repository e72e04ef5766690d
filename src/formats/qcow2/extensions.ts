import { ImageRefused } from '../image-refused.ts';

/*
 * A header extension: type (4 bytes), length (4 bytes), data, padding to a multiple of 8. Type 0 ends them; so does the
 * end of the first cluster.
 */
const endOfExtensions = 0;

/** Header extension types that are looked at; any other can be ignored safely. */
export const extensionTypes = {
  featureNames: 0x6803f857,
  bitmaps: 0x23852875,
  encryptionHeader: 0x0537be77,
  dataFile: 0x44415441,
} as const;

/**
 * Reads the header extensions, from `start` to the end of the bytes given (the first cluster, or what of it was read:
 * 64 KiB, far more than any writer uses). Of a type that appears twice, the first counts.
 *
 * @throws ImageRefused when an extension is longer than the room there is
 */
export function readExtensions(firstCluster: Uint8Array, start: number): ReadonlyMap<number, Uint8Array> {
  const view = new DataView(firstCluster.buffer, firstCluster.byteOffset, firstCluster.byteLength);
  const extensions = new Map<number, Uint8Array>();
  for (let at = start; at + 8 <= firstCluster.length; ) {
    const type = view.getUint32(at);
    if (type === endOfExtensions) break;
    const length = view.getUint32(at + 4);
    const data = at + 8;
    if (length > firstCluster.length - data) {
      throw new ImageRefused({
        check: 'qcow2.extension',
        reason: `The header extension 0x${type.toString(16)} at ${at} claims ${length} bytes, more than there is room for.`,
      });
    }
    if (!extensions.has(type)) extensions.set(type, firstCluster.subarray(data, data + length));
    at = data + Math.ceil(length / 8) * 8;
  }
  return extensions;
}

/**
 * The name that the file's feature name table gives to an incompatible feature, for messages: printable ASCII only.
 *
 * An entry has 48 bytes: the kind (0: incompatible), the bit's number, and a name padded with zeros.
 */
export function incompatibleFeatureName(extensions: ReadonlyMap<number, Uint8Array>, bit: number): string | undefined {
  const table = extensions.get(extensionTypes.featureNames) ?? new Uint8Array();
  for (let at = 0; at + 48 <= table.length; at += 48) {
    if (table[at] !== 0 || table[at + 1] !== bit) continue;
    const name = Buffer.from(table.subarray(at + 2, at + 48)).toString('latin1');
    return name.replace(/\0.*$/s, '').replaceAll(/[^ -~]/g, '?');
  }
  return undefined;
}

/** How many dirty bitmaps the file holds: the first 4 bytes of their extension. */
export function bitmapCount(extensions: ReadonlyMap<number, Uint8Array>): number {
  const data = extensions.get(extensionTypes.bitmaps);
  if (data === undefined || data.length < 4) return 0;
  return new DataView(data.buffer, data.byteOffset, data.byteLength).getUint32(0);
}
