import type { DiskMap } from './disk-map.ts';

/**
 * The same disk, made a whole number of `unitBytes` long by a hole behind its end. A map that is so long already is
 * returned as it is.
 */
export function roundMapUp(map: DiskMap, unitBytes: number): DiskMap {
  const sizeBytes = Math.ceil(map.sizeBytes / unitBytes) * unitBytes;
  if (sizeBytes === map.sizeBytes) return map;
  return {
    sizeBytes,
    async runs(offset, length, options) {
      const within = Math.min(length, map.sizeBytes - offset);
      return within <= 0 ? [] : map.runs(offset, within, options);
    },
  };
}
