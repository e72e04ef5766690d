import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { toJsonString } from '@bufbuild/protobuf';
import { sourceReportMessage } from '../../src/api/obraz/source-report-message.ts';
import { SourceReportSchema } from '../../src/gen/obraz/v1/source_report_pb.ts';
import { inspectFile } from '../../src/images/inspect-file.ts';
import { openGrpcDoor, untilDone } from '../fixtures/doors.ts';
import { startFileServer } from '../fixtures/file-server.ts';
import { mutateQcow2 } from '../fixtures/mutate-qcow2.ts';
import { mutateRaw } from '../fixtures/mutate-raw.ts';
import { mutateVhdx } from '../fixtures/mutate-vhdx.ts';
import { mutateVmdk } from '../fixtures/mutate-vmdk.ts';
import { startObraz, temporaryDirectory } from '../fixtures/obraz.ts';
import { chance, pick, type Rng, seededRng } from '../fixtures/random-choice.ts';
import { toBuffer } from '../fixtures/sparse-file.ts';
import { mutateVdi } from '../fixtures/vdi-builder.ts';
import { mutateVhd } from '../fixtures/vhd-builder.ts';

const mutators = [
  mutateQcow2,
  mutateRaw,
  (rng: Rng) => toBuffer(mutateVhdx(rng)),
  mutateVmdk,
  mutateVdi,
  mutateVhd,
] as const;

/** A file of some format, whole or broken, perhaps packed. */
function anyFile(rng: Rng): Buffer {
  const file = pick(rng, mutators)(rng);
  if (!chance(rng, 0.3)) return file;
  return chance(rng, 0.5) ? gzipSync(file) : zstdCompressSync(file);
}

test('what inspect says of a file is what an import does with it', async (t) => {
  const seed = Number(process.env.OBRAZ_TEST_SEED ?? Date.now() % 1_000_000);
  t.diagnostic(`OBRAZ_TEST_SEED=${seed}`);
  const rng = seededRng(seed);
  await using directory = await temporaryDirectory();
  await using files = await startFileServer();
  await using obraz = await startObraz();
  await using door = openGrpcDoor(obraz);
  const counts = { imported: 0, refused: 0 };
  for (let round = 0; round < 60; round += 1) {
    const name = `file-${round}${chance(rng, 0.1) ? '.vhds' : ''}`;
    const file = anyFile(rng);
    const path = join(directory.path, name);
    await writeFile(path, file);
    const workPath = join(directory.path, `${name}.work`);
    const signal = AbortSignal.timeout(60_000);
    const { refusal, guestDigest, report } = await inspectFile(path, {
      quick: false,
      signal,
      workPath,
      onProgress() {},
    });

    const uri = files.put(name, file);
    const { body: begun } = await door.call('ImageService.Create', { folderId: obraz.folderId, uri });
    const done = await untilDone(door, begun.id);
    if (refusal !== undefined) {
      counts.refused += 1;
      assert.ok(done.error, `round ${round}: inspect refuses it (${refusal.check}), the import does not`);
      assert.ok(done.error.message.endsWith(refusal.message), `round ${round}: ${done.error.message}`);
      const rule = `IMAGE_REFUSED_${refusal.check.replaceAll(/[^a-z0-9]+/g, '_').toUpperCase()}`;
      assert.ok(
        done.error.details.some(({ reason }: { reason?: string }) => reason === rule),
        rule,
      );
    } else {
      counts.imported += 1;
      assert.equal(done.error, undefined, `round ${round}`);
      assert.equal(done.response.obraz.guestDigest, guestDigest, `round ${round}`);
      assert.ok(report);
      const shown = JSON.parse(toJsonString(SourceReportSchema, sourceReportMessage({ ...report, sha256: '' })));
      const { sha256: _, ...source } = done.response.obraz.source; // an import doesn't read all of every file
      assert.deepEqual(source, shown, `round ${round}`);
    }
  }
  t.diagnostic(JSON.stringify(counts));
  assert.ok(counts.imported > 5 && counts.refused > 5, JSON.stringify(counts));
});
