import { readFileSync } from 'node:fs';
import { blockPattern, blockSector, buildFixedVhd, buildVhd, guestBytes } from '../../fixtures/vhd-builder.ts';
import { readWithQemu } from './compare-with-qemu.ts';
import type { KnownDifference, KnownDifferences, ReadByUs } from './known-difference.ts';

const sector = 512;

/** Less than the disk's current size: what programs that go by the geometry cut off. */
const smallGeometry = { cylinders: 7, heads: 4, sectors: 4 };

/** Creators whose current size counts for QEMU before 10.0. */
const sizedByOldQemu = ['win', 'qem2', 'd2v', 'tap', 'CTXS'];

const bySize = (creator: string): KnownDifference => ({
  make: () => buildVhd({ footer: { creator, ...smallGeometry } }),
  recognises: ({ ours, theirs }) => {
    const { report } = ours.disk;
    return (
      report.format === 'vhd' &&
      report.sizeFrom === 'current-size' &&
      !sizedByOldQemu.includes(report.creator.replaceAll(/\W/g, '')) &&
      theirs.kind === 'read' &&
      theirs.sizeBytes === report.geometryBytes &&
      theirs.sizeBytes !== ours.bytes.length
    );
  },
  setAside: ({ ours, theirs }) => {
    if (theirs.kind !== 'read') return theirs;
    // What both have, and the end that only one has.
    const bytes = Buffer.from(ours.bytes);
    theirs.bytes.copy(bytes, 0, 0, Math.min(bytes.length, theirs.sizeBytes));
    return { kind: 'read', sizeBytes: bytes.length, bytes };
  },
});

export const vhdDifferences: KnownDifferences = {
  'vhd-fixed-probed-as-raw': {
    make: () => buildFixedVhd(blockPattern(1)),
    recognises: ({ path, ours, theirs }) => {
      const { report } = ours.disk;
      if (report.format !== 'vhd' || report.variant !== 'fixed' || theirs.kind !== 'read') return false;
      const file = readFileSync(path);
      return theirs.bytes.subarray(0, file.length).equals(file) && theirs.sizeBytes - file.length < sector;
    },
    setAside: ({ path }) => readWithQemu(path, 'vpc'),
  },
  'vhd-clear-sector-bit': {
    make: () => buildVhd({ blocks: [{ data: blockPattern(0), bitmap: Buffer.alloc(sector, 0xf0) }] }),
    recognises: isOnlyZerosOfOurs,
  },
  'vhd-creator-virtualbox': bySize('vbox'),
  'vhd-creator-azure': bySize('wa\0\0'),
  'vhd-creator-visual-studio': bySize('vs  '),
  'vhd-partial-sector': { make: () => buildVhd({ footer: { current_size: guestBytes - 100 } }) },
  'vhd-differencing': { make: () => buildVhd({ footer: { type: 4 } }) },
  'vhd-footers-disagree': { make: () => buildVhd({ copy: { current_size: 40_960 } }) },
  'vhd-without-footer': { make: () => buildVhd().subarray(0, -512) },
  'vhd-shared-block': { make: () => buildVhd({ table: [blockSector(0), blockSector(0)] }) },
  'vhd-unknown-feature': { make: () => buildVhd({ footer: { features: 0b1010 } }) },
  'vhd-unknown-version': { make: () => buildVhd({ footer: { version: 0x00020000 } }) },
};

/** Sectors differ only where ours are zeros, in a dynamic disk. */
function isOnlyZerosOfOurs({ ours, theirs }: ReadByUs): boolean {
  const { report } = ours.disk;
  if (report.format !== 'vhd' || report.variant !== 'dynamic') return false;
  if (theirs.kind !== 'read' || theirs.sizeBytes !== ours.bytes.length) return false;
  const zeros = Buffer.alloc(sector);
  for (let at = 0; at < ours.bytes.length; at += sector) {
    const mine = ours.bytes.subarray(at, at + sector);
    if (!mine.equals(zeros) && !mine.equals(theirs.bytes.subarray(at, at + sector))) return false;
  }
  return true;
}
