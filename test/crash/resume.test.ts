import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { openRestDoor, untilDone } from '../fixtures/doors.ts';
import { startFileServer } from '../fixtures/file-server.ts';
import { noise } from '../fixtures/guest.ts';
import { temporaryDirectory } from '../fixtures/obraz.ts';
import { openCrashClient } from './client.ts';
import { checkpointedBytes, findLeftovers } from './data-rows.ts';
import { sha256Of } from './disk-files.ts';
import { startWithFaults } from './start.ts';

const mib = 1024 * 1024;
const collector = { everyMs: 250, soonMs: 50 };
/** The beginning and the end of a file are looked at again: what it is must be known before it is read on. */
const lookBytes = 2 * mib;

/** What is durable of an import, in bytes of its file, or 0. */
type Durable = (dataDirectory: string, operationId: string) => number | Promise<number>;

const cases: readonly { name: string; isSpooled: boolean; durable: Durable }[] = [
  { name: 'from its checkpoint', isSpooled: false, durable: checkpointedBytes },
  { name: 'from what its spool has', isSpooled: true, durable: spooledBytes },
];

for (const { name, isSpooled, durable } of cases) {
  test(`an import that was killed goes on ${name}`, async (t) => {
    await using directory = await temporaryDirectory();
    await using files = await startFileServer();
    const dataDirectory = join(directory.path, 'data');
    const bytes = Buffer.concat([noise(24 * mib, 1), noise(24 * mib, 2), noise(24 * mib, 3), noise(24 * mib, 4)]);
    const sha256 = createHash('sha256').update(bytes).digest('base64');
    const uri = files.put('disk.raw', bytes, isSpooled ? { 'repr-digest': `sha-256=:${sha256}:` } : {});
    files.limit(32 * mib);
    let operationId = '';
    {
      await using obraz = await startWithFaults({ dataDirectory, collector });
      await using door = openRestDoor(obraz);
      const { body } = await door.call('ImageService.Create', { folderId: obraz.folderId, name: 'disk', uri });
      operationId = body.id;
      while ((await durable(dataDirectory, operationId)) === 0) {
        const operation = await door.call('OperationService.Get', { operationId });
        assert.ok(!operation.body.done, 'it was done before it could be killed');
        await wait(10);
      }
      await obraz.end('SIGKILL');
    }
    const kept = await durable(dataDirectory, operationId);
    const sentBefore = files.sentBytes();
    files.limit(Number.POSITIVE_INFINITY);
    await using obraz = await startWithFaults({ dataDirectory, collector });
    await using door = openRestDoor(obraz);
    const { error, response } = await untilDone(door, operationId);
    assert.equal(error, undefined, JSON.stringify(error));
    const sentAfter = files.sentBytes() - sentBefore;
    t.diagnostic(`${kept} bytes were durable; ${sentAfter} of ${bytes.length} were read after the kill`);
    assert.ok(kept >= 8 * mib);
    assert.ok(sentAfter <= bytes.length - kept + lookBytes, 'what was durable is not read again');
    await using client = openCrashClient(obraz);
    assert.equal(await client.contentSha256(response.id), sha256Of(bytes));
    for (const endAt = performance.now() + 10_000; performance.now() < endAt; await wait(50)) {
      if ((await findLeftovers([dataDirectory])).length === 0) break;
    }
    assert.deepEqual(await findLeftovers([dataDirectory]), []);
  });
}

function spooledBytes(dataDirectory: string, operationId: string): number {
  const record = join(dataDirectory, 'spool', `${operationId}.json`);
  if (!existsSync(record)) return 0;
  const { durableBytes } = JSON.parse(readFileSync(record, 'utf8')) as { durableBytes: number }; // src/sources/spool-record.ts
  return durableBytes;
}
