import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runDiskEpisodes } from './disk-episodes.ts';

/** What a build can wait for; by hand more, as the diagnostic says. */
const limits = { kills: 30, maxMs: 25_000 };

test('a disk that several connections write keeps what was flushed, and its snapshots are of one moment', async (t) => {
  const seed = Date.now() % 1_000_000;
  t.diagnostic(`seed ${seed}: node test/crash/disk-episodes.ts --seed ${seed}`);
  const { kills, writes, snapshotsChecked, refusedSnapshots } = await runDiskEpisodes({ seed, ...limits });
  t.diagnostic(`${kills} kills, ${writes} writes, ${snapshotsChecked} snapshots read, ${refusedSnapshots} refused`);
  assert.ok(kills > 0 && writes > 0 && snapshotsChecked > 0);
});
