import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemorySource } from '../../../test/fixtures/memory-source.ts';
import { refusalOf } from '../../../test/fixtures/read-disk.ts';
import { buildStreamVmdk, directoryAtEnd, type StreamParts, streamFlags } from '../../../test/fixtures/vmdk-builder.ts';

/** What is wrong with a stream, the stream, and the check that must refuse it. */
const hostileStreams: [string, StreamParts, string][] = [
  ['has a footer of another size', { footer: { capacity: 1 << 21 } }, 'vmdk.footer'],
  ['has a footer of other grains', { footer: { grainSize: 16 } }, 'vmdk.footer'],
  ['has a footer of other tables', { footer: { numGTEsPerGT: 512 } }, 'vmdk.footer'],
  ['has a footer of another version', { footer: { version: 1 } }, 'vmdk.footer'],
  ['has a footer with other flags', { footer: { flags: streamFlags | 4 } }, 'vmdk.footer'],
  ['has a footer with another descriptor', { footer: { descriptorOffset: 100 } }, 'vmdk.footer'],
  ['has a footer that is not compressed', { footer: { compressAlgorithm: 0 } }, 'vmdk.footer'],
  ['has a footer that leads to a footer', { footer: { gdOffset: directoryAtEnd } }, 'vmdk.footer'],
  ['has a footer with another magic', { footer: { magicNumber: 0 } }, 'vmdk.footer'],
  ['has a footer and a directory in its header', { header: { gdOffset: 10 } }, 'vmdk.footer'],
  ['has something behind its end', { trailing: Buffer.alloc(512) }, 'vmdk.footer'],
  ['has a byte behind its end', { trailing: Buffer.alloc(1) }, 'vmdk.footer'],
  ['has its directory past its end', { footer: { gdOffset: 1n << 40n } }, 'vmdk.grain-directory'],
  ['has its footer as its directory', { editDirectory: (entries, sector) => entries.fill(sector + 2) }, 'vmdk.overlap'],
  ['has its directory as a table', { editDirectory: (entries, sector) => entries.fill(sector) }, 'vmdk.overlap'],
  ['has a table past its end', { editDirectory: (entries) => entries.fill(1 << 20) }, 'vmdk.truncated'],
  ['has a grain as a table', { editDirectory: (entries) => entries.fill(9) }, 'vmdk.marker'],
  ['has a table as a grain', { editTable: (_, entries, sector) => entries.fill(sector, 0, 1) }, 'vmdk.overlap'],
  [
    'has a marker as a grain',
    { editTable: (_, entries, sector) => entries.fill(sector - 1, 0, 1) },
    'vmdk.compressed-grain',
  ],
  ['has a footer marker of another type', { markers: { footer: { type: 99 } } }, 'vmdk.footer'],
  ['has a footer marker of 2^40 sectors', { markers: { footer: { numSectors: 1n << 40n } } }, 'vmdk.footer'],
  ['has no end-of-stream marker', { markers: { endOfStream: { type: 1 } } }, 'vmdk.footer'],
  ['has a grain for its end', { markers: { endOfStream: { size: 5 } } }, 'vmdk.footer'],
  ['has a directory marker of another type', { markers: { directory: { type: 1 } } }, 'vmdk.marker'],
  ['has a directory marker of 2^50 sectors', { markers: { directory: { numSectors: 1n << 50n } } }, 'vmdk.marker'],
  ['has a table marker of another type', { markers: { table: { type: 2 } } }, 'vmdk.marker'],
  ['has a table marker of 2^50 sectors', { markers: { table: { numSectors: 1n << 50n } } }, 'vmdk.marker'],
  ['has a table marker that is a grain', { markers: { table: { size: 100 } } }, 'vmdk.marker'],
];

for (const [what, parts, check] of hostileStreams) {
  test(`refuses a VMDK stream that ${what}`, async () => {
    assert.equal(await refusalOf(new MemorySource(buildStreamVmdk(parts))), check);
  });
}
