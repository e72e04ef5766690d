import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constants, deflateRawSync, deflateSync, zstdCompressSync } from 'node:zlib';
import { noise, prose } from '../../test/fixtures/qemu.ts';
import { decodeRun, decodeUnit, type EncodedUnit } from './decode-run.ts';
import type { DataRun } from './disk-map.ts';
import { plainRun } from './run-builder.ts';
import { zstdFrameLength } from './zstd-frame.ts';

const unitLength = 65536;
const units = { prose: prose(unitLength, 1), noise: noise(unitLength, 2), zeros: Buffer.alloc(unitLength) };
const encoders = {
  deflate: (bytes: Uint8Array) => deflateRawSync(bytes, { windowBits: 12, level: 9 }),
  grain: (bytes: Uint8Array) => grain(7 * 128, bytes),
  zstd: (bytes: Uint8Array) => zstdCompressSync(bytes),
} as const;
const encodings = {
  deflate: { codec: 'deflate', unitLength },
  grain: { codec: 'grain', firstSector: 7 * 128, leastLength: unitLength, unitLength },
  zstd: { codec: 'zstd', unitLength },
} as const satisfies Record<string, EncodedUnit>;
const checks = {
  deflate: 'qcow2.compressed-cluster',
  zstd: 'qcow2.compressed-cluster',
  grain: 'vmdk.compressed-grain',
};

/** A VMDK's grain: its marker and a zlib stream. */
function grain(sector: number, bytes: Uint8Array, marks: { size?: number } = {}): Buffer {
  const stream = deflateSync(bytes);
  const marker = Buffer.alloc(12);
  marker.writeBigUInt64LE(BigInt(sector));
  marker.writeUInt32LE(marks.size ?? stream.length, 8);
  return Buffer.concat([marker, stream]);
}

for (const codec of ['deflate', 'grain', 'zstd'] as const) {
  const encode = encoders[codec];
  const unitOf = encodings[codec];

  for (const [what, unit] of Object.entries(units)) {
    test(`decodes ${codec} of ${what}, whatever bytes follow`, () => {
      const encoded = encode(unit);
      const tails = [
        Buffer.alloc(0),
        Buffer.alloc(511),
        noise(511, 3),
        encoded,
        encoded.subarray(0, 20),
        encoded.subarray(0, 3),
      ];
      for (const tail of tails) {
        assert.deepEqual(Buffer.from(decodeUnit(unitOf, Buffer.concat([encoded, tail]))), unit);
      }
    });
  }

  test(`decodes ${codec} from shared memory`, () => {
    const encoded = encode(units.prose);
    const shared = new Uint8Array(new SharedArrayBuffer(encoded.length + 8)).subarray(8);
    shared.set(encoded);
    assert.deepEqual(Buffer.from(decodeUnit(unitOf, shared)), units.prose);
  });

  test(`refuses ${codec} that is short, long, cut, or something else`, () => {
    const encoded = encode(units.prose);
    const bad = {
      short: encode(units.prose.subarray(1)),
      long: encode(Buffer.concat([units.prose, Buffer.from('x')])),
      'far too long': encode(Buffer.alloc(1 << 26)),
      cut: encoded.subarray(0, -1),
      noise: noise(1000, 4),
      nothing: Buffer.alloc(0),
      zeros: Buffer.alloc(512),
      flipped: Buffer.from(encode(units.prose).fill(0xff, 40, 60)),
    };
    for (const [what, bytes] of Object.entries(bad)) {
      assert.throws(() => decodeUnit(unitOf, bytes), { name: 'ImageRefused', check: checks[codec] }, what);
    }
  });
}

test('refuses deflate that fills its unit but does not end', () => {
  const whole = encoders.deflate(units.prose);
  const unended = deflateRawSync(units.prose, { finishFlush: constants.Z_SYNC_FLUSH });
  assert.throws(() => decodeUnit(encodings.deflate, unended), { check: checks.deflate });
  assert.equal(decodeUnit(encodings.deflate, whole).length, unitLength);
});

test('decodes the last grain of a disk, whole or as far as the disk goes, and no less', () => {
  const last = { ...encodings.grain, leastLength: 1000 };
  for (const length of [unitLength, 1001, 1000]) {
    const bytes = units.prose.subarray(0, length);
    assert.deepEqual(Buffer.from(decodeUnit(last, encoders.grain(bytes))), bytes);
  }
  assert.throws(() => decodeUnit(last, encoders.grain(units.prose.subarray(0, 999))), { check: checks.grain });
});

test('refuses a grain that is marked as another, or longer than there is room', () => {
  const stream = deflateSync(units.prose);
  const bad = {
    'of another place': grain(0, units.prose),
    'of no bytes': grain(7 * 128, units.prose, { size: 0 }),
    'a byte longer than there is': grain(7 * 128, units.prose, { size: stream.length + 1 }),
    'of 4 GiB': grain(7 * 128, units.prose, { size: 0xffffffff }),
    'a byte shorter than its stream': grain(7 * 128, units.prose, { size: stream.length - 1 }),
    'less than a marker': encoders.grain(units.prose).subarray(0, 11),
  };
  for (const [what, bytes] of Object.entries(bad)) {
    assert.throws(() => decodeUnit(encodings.grain, bytes), { name: 'ImageRefused', check: checks.grain }, what);
  }
});

test('refuses zstd that asks for a window of 2 GiB, or claims a content of 1 PiB', () => {
  const block = Buffer.from([0x01, 0x00, 0x00]);
  const window = Buffer.concat([Buffer.from('28b52ffd00a8', 'hex'), block]);
  const content = Buffer.concat([Buffer.from('28b52ffde00000000000000400', 'hex'), block]);
  for (const bytes of [window, content]) {
    assert.equal(zstdFrameLength(bytes), bytes.length);
    assert.throws(() => decodeUnit(encodings.zstd, bytes), { check: checks.zstd });
  }
});

test('finds the end of a zstd frame, with and without a checksum', () => {
  for (const unit of Object.values(units)) {
    for (const checksum of [0, 1]) {
      const frame = zstdCompressSync(unit, { params: { [constants.ZSTD_c_checksumFlag]: checksum } });
      assert.equal(zstdFrameLength(Buffer.concat([frame, noise(100, 5)])), frame.length);
      for (let cut = 0; cut < frame.length; cut += 1 + (frame.length >> 6)) {
        assert.equal(zstdFrameLength(frame.subarray(0, cut)), undefined);
      }
    }
  }
});

test('writes the part of a unit that a run is', () => {
  const encoded = encoders.deflate(units.prose);
  const run: DataRun = {
    kind: 'data',
    offset: 1_000_000,
    length: 3000,
    codec: 'deflate',
    fileOffset: 77,
    fileLength: encoded.length,
    unitLength,
    skip: 500,
  };
  const target = Buffer.alloc(3000);
  decodeRun(run, encoded, target);
  assert.deepEqual(target, units.prose.subarray(500, 3500));

  const plain = Buffer.alloc(10);
  decodeRun(plainRun(0, 10, 5), Buffer.from('0123456789'), plain);
  assert.equal(plain.toString(), '0123456789');
  assert.throws(() => decodeRun(plainRun(0, 10, 5), new Uint8Array(9), plain), RangeError);
});
