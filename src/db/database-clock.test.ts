import assert from 'node:assert/strict';
import test from 'node:test';
import { eachDatabase } from '../../test/fixtures/databases.ts';
import { openDatabaseClock } from './database-clock.ts';
import { readDatabaseTime } from './database-time.ts';

eachDatabase(({ open }) => {
  test("shows the database's time, whatever this process's clock shows, and goes on by itself", async (t) => {
    const db = await open(t);
    const trueTime = Date.now();
    t.mock.timers.enable({ apis: ['Date'], now: trueTime + 5 * 3_600_000 });
    let passed = 0;
    await using clock = await openDatabaseClock({ read: db.read, onError: assert.fail, monotonic: () => passed });
    const first = clock.now();
    assert.ok(first >= trueTime - 1 && first <= (await readDatabaseTime(db.read)), `${first - trueTime}`);
    passed += 1_500;
    assert.equal(clock.now(), first + 1_500);
    // It is asked again, and has its own way.
    await clock.look();
    assert.ok(clock.now() <= (await readDatabaseTime(db.read)));
  });
});
