import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { openImportBench } from '../../test/fixtures/import-bench.ts';
import { noise } from '../../test/fixtures/qemu.ts';
import { buildTar, gnu } from '../../test/fixtures/tar-builder.ts';
import { unavailable } from '../errors.ts';

const form = 'raw-tar-gz';
// As if the guest were a qcow2 on /etc/passwd.
const disk = Buffer.concat([Buffer.from('514649fb0000000300000000000002000000000b', 'hex'), noise(6_000_000, 1)]);
const file = gzipSync(buildTar({ magic: gnu, data: disk }), { level: 1 });

test('an import that goes on has its tarball unpacked already, and still takes it for a raw disk', async () => {
  let failures = 2;
  await using bench = await openImportBench({
    wrapBlobs: (blobs) => {
      const create = blobs.create.bind(blobs);
      blobs.create = async (name) => {
        if (failures-- > 0) throw unavailable('no room for a moment');
        return await create(name);
      };
      return blobs;
    },
  });
  const { device, error } = await bench.import(file, { form });
  if (device === undefined) assert.fail(error.message);
  await using image = device;
  assert.ok(failures < 0, 'it was interrupted');
  // Each of three attempts reads its beginning, to open it, and the first one the whole.
  assert.ok(bench.files.sentBytes() < 2 * file.length, `${bench.files.sentBytes()} bytes were sent`);
  const bytes = Buffer.alloc(disk.length);
  await image.readAt(bytes, 0);
  assert.ok(bytes.equals(disk));
  assert.deepEqual(await readdir(bench.spoolDirectory), []);
});

test('the same file without being asked for as a tarball is what its bytes say', async () => {
  await using bench = await openImportBench();
  const { error } = await bench.import(file);
  assert.match(error?.reason ?? '', /^IMAGE_REFUSED_QCOW2_/);
});
