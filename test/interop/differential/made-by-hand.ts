import { below, chance, pick, type Rng } from '../../fixtures/random-choice.ts';
import type { SparseFile } from '../../fixtures/sparse-file.ts';
import { buildVdi, discarded, unwritten } from '../../fixtures/vdi-builder.ts';
import * as vhd from '../../fixtures/vhd-builder.ts';
import * as vhdx from '../../fixtures/vhdx-builder.ts';
import * as vmdk from '../../fixtures/vmdk-builder.ts';
import type { FormatName } from './made-by-qemu.ts';
import { anyQcow2 } from './qcow2-by-hand.ts';
import { anyBytes, shuffled } from './random-bytes.ts';

/*
 * Images as other programs may write them and QEMU never does: blocks in any order and with room between them, tables
 * behind data, clusters packed to the byte, marks that QEMU reads and does not write. All of them are good: both sides
 * must read them.
 */

const makers = {
  qcow2: (rng) => whole(anyQcow2(rng)),
  vmdk: (rng) => whole(chance(rng, 0.5) ? anyStream(rng) : anySparse(rng)),
  vhd: (rng) => whole(anyVhd(rng)),
  vhdx: anyVhdx,
  vdi: (rng) => whole(anyVdi(rng)),
  raw: (rng) => whole(anyRaw(rng)),
} as const satisfies Record<FormatName, (rng: Rng) => SparseFile>;

/** Makes a good image of a format by hand. */
export function makeByHand(format: FormatName, rng: Rng): SparseFile {
  return makers[format](rng);
}

function whole(bytes: Uint8Array): SparseFile {
  return { sizeBytes: bytes.length, parts: [[0, bytes]] };
}

/** A stream with a footer, as ovftool and VirtualBox write it. */
function anyStream(rng: Rng): Buffer {
  const grains = 1 + below(rng, 4 * vmdk.entriesPerTable);
  const kept = Array.from({ length: grains }, (_, index) => index).filter(() => chance(rng, 0.2));
  return vmdk.buildStreamVmdk({
    capacity: grains * 8,
    grains: kept.map((index) => [index, anyBytes(rng, vmdk.grainBytes)] as const),
  });
}

/** Grains in any order, plain or compressed, some of them marked as zeros. */
function anySparse(rng: Rng): Buffer {
  const compressed = chance(rng, 0.4);
  const kept = shuffled(
    rng,
    Array.from({ length: vmdk.capacity / 8 }, (_, index) => index),
  ).slice(0, below(rng, 40));
  const places = new Map(kept.map((index, place) => [index, vmdk.grainSector(place)]));
  const zeroed = chance(rng, 0.5);
  const other = () => (zeroed && chance(rng, 0.5) ? 1 : 0);
  const grains = kept.map((index) => {
    const bytes = anyBytes(rng, vmdk.grainBytes);
    return compressed ? vmdk.encodedGrain(index, bytes) : bytes;
  });
  return vmdk.buildVmdk({
    compressed,
    grains,
    table: Array.from({ length: vmdk.capacity / 8 }, (_, index) => places.get(index) ?? other()),
    ...(zeroed && {
      header: { flags: (compressed ? vmdk.streamFlags : 0) | vmdk.plainFlags | 4, version: compressed ? 3 : 2 },
    }),
  });
}

/** Dynamic: blocks in any order, bits clear where the block has zeros. Fixed: any number of sectors. */
function anyVhd(rng: Rng): Buffer {
  const creator = pick(rng, ['win ', 'd2v ', 'tap\0', 'CTXS', 'qem2']);
  const footerLength = chance(rng, 0.1) ? 511 : 512;
  if (chance(rng, 0.3)) {
    return vhd.buildFixedVhd(anyBytes(rng, 512 * (1 + below(rng, 200))), { footer: { creator }, footerLength });
  }
  const order = shuffled(
    rng,
    Array.from({ length: vhd.guestBlocks }, (_, index) => index),
  );
  const blocks = Array.from({ length: below(rng, vhd.guestBlocks) }, () => {
    const bitmap = Buffer.alloc(512, pick(rng, [0xff, 0xff, 0xa5, below(rng, 256)]));
    const data = anyBytes(rng, vhd.blockBytes);
    for (let i = 0; i < vhd.blockBytes / 512; i++) {
      if ((((bitmap[i >> 3] ?? 0) << (i & 7)) & 0x80) === 0) data.fill(0, i * 512, (i + 1) * 512);
    }
    return { data, bitmap };
  });
  const table = Array.from({ length: vhd.guestBlocks }, () => vhd.unwritten);
  for (const [place] of blocks.entries()) table[order[place] ?? 0] = vhd.blockSector(place);
  const sizeBytes = vhd.guestBytes - 512 * below(rng, 8);
  return vhd.buildVhd({ blocks, table, footerLength, footer: { creator, current_size: sizeBytes } });
}

/** Blocks in any order and states, and at times a log that was not written to its places. */
function anyVhdx(rng: Rng): SparseFile {
  const blocks = Array.from({ length: 1 + below(rng, vhdx.guestBlocks) }, () =>
    anyBytes(rng, 4096 * (1 + below(rng, 40))),
  );
  const free = shuffled(rng, [...blocks.keys()]);
  const entry = () => {
    const place = chance(rng, 0.6) ? free.pop() : undefined;
    return place === undefined ? BigInt(pick(rng, [0, 1, 2, 3])) : vhdx.batEntry(vhdx.blockOffset(place));
  };
  const bat = Array.from({ length: vhdx.guestBlocks }, entry);
  const write = () => ({
    offset: vhdx.blockOffset(below(rng, blocks.length)) + vhdx.sector * below(rng, 256),
    data: chance(rng, 0.7)
      ? Buffer.alloc(vhdx.sector, `logged ${below(rng, 1000)}; `)
      : vhdx.sector * (1 + below(rng, 3)),
  });
  // Of entries that go around the end of the log QEMU replays only a part: these stay away from it.
  const log = Array.from({ length: chance(rng, 0.3) ? 1 + below(rng, 3) : 0 }, (_, index) => ({
    sector: index * 16,
    sequence: 7n + BigInt(index),
    writes: Array.from({ length: 15 }, write).map((each) =>
      typeof each.data === 'number' ? { ...each, data: Buffer.alloc(vhdx.sector) } : each,
    ),
    fields: { Tail: 0 },
  }));
  return vhdx.buildVhdx({
    blocks,
    bat,
    log,
    metadata: { virtualDiskSize: { data: vhdx.long(vhdx.guestBytes - 512 * below(rng, 2000)) } },
  });
}

const vdiBlockBytes = 2 ** 20;

/** Blocks of 1 MiB, the only size that QEMU reads, in any order, and discarded ones. */
function anyVdi(rng: Rng): Buffer {
  const blocks = Array.from({ length: below(rng, 6) }, () => anyBytes(rng, vdiBlockBytes));
  const free = shuffled(rng, [...blocks.keys()]);
  const guestBlocks = 1 + below(rng, 10);
  const map = Array.from({ length: guestBlocks }, () =>
    chance(rng, 0.5) ? (free.pop() ?? unwritten) : pick(rng, [unwritten, discarded]),
  );
  const header = {
    block_size: vdiBlockBytes,
    blocks_in_image: guestBlocks,
    disk_size: guestBlocks * vdiBlockBytes - 512 * below(rng, 2000),
  };
  return Buffer.concat([buildVdi({ header, map, blocks: [] }), ...blocks]);
}

/** Any length, whole sectors or not; a text is none. */
function anyRaw(rng: Rng): Buffer {
  const disk = anyBytes(rng, 1 + below(rng, pick(rng, [600, 5000, 500_000])));
  disk[0] = 0;
  return disk;
}
