import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { type Behaviour, etagOf, honest, startBadServer, withoutRanges } from '../../test/fixtures/bad-server.ts';
import { noise } from '../../test/fixtures/guest.ts';
import { type ImportBench, openImportBench } from '../../test/fixtures/import-bench.ts';
import { unavailable } from '../errors.ts';

/** More than one pack: an import that is interrupted in the second has a checkpoint. */
const disk = noise(40 * 1024 * 1024, 21);
const packed = gzipSync(disk, { level: 1 });

const cases: readonly { readonly name: string; readonly behaviour: Behaviour }[] = [
  { name: 'a source without ranges, of which it had a copy', behaviour: withoutRanges(disk) },
  { name: 'a source that cannot be shown to be the same', behaviour: withoutRanges(disk, { validators: {} }) },
  { name: 'a packed source, which it had unpacked', behaviour: honest(packed, { etag: etagOf(packed) }) },
];

for (const { name, behaviour } of cases) {
  test(`an import goes on at another process, which has no spool: ${name}`, async () => {
    let packs = 0;
    await using server = await startBadServer(behaviour);
    await using bench: ImportBench = await openImportBench({
      wrapBlobs: (blobs) => {
        const create = blobs.create.bind(blobs);
        blobs.create = async (name) => {
          const writer = await create(name);
          if (++packs !== 2) return writer;
          writer.seal = async () => {
            while (!(await hasCheckpoint(bench))) await wait(5);
            assert.ok((await readdir(bench.spoolDirectory)).length > 0, 'it had a spool');
            bench.goElsewhere();
            throw unavailable('the process is gone');
          };
          return writer;
        };
        return blobs;
      },
    });
    const { device, error } = await bench.importFrom(`${server.origin}/disk`);
    if (device === undefined) assert.fail(error.message);
    await using image = device;
    assert.ok(packs > 2, 'it was interrupted');
    const bytes = Buffer.alloc(disk.length);
    await image.readAt(bytes, 0);
    assert.ok(bytes.equals(disk));
    assert.deepEqual(await readdir(bench.spoolDirectory), []);
  });
}

async function hasCheckpoint({ db }: ImportBench): Promise<boolean> {
  const rows = await db.read.selectFrom('operations').select('checkpoint').execute();
  return rows.some(({ checkpoint }) => checkpoint !== null);
}
