import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { eachDatabase, type OpenTestDatabase } from '../../test/fixtures/databases.ts';
import type { Database } from '../db/database.ts';
import { cancelOperation } from './cancel-operation.ts';
import { getOperation } from './get-operation.ts';
import { insertOperation } from './insert-operation.ts';
import { kindsByName, type OperationKind } from './kind.ts';
import { createRunner } from './runner.ts';
import type { RunnerOptions } from './runner-options.ts';

/** A runner of work that never ends by itself, but for what is told to; which began, and which gave way. */
async function openPlaces(t: TestContext, open: OpenTestDatabase, options: Partial<RunnerOptions>) {
  const db = await open();
  const began: string[] = [];
  const gaveWay: string[] = [];
  const kind: OperationKind = {
    name: 'test.work',
    async run({ operation, signal, timesGivenWay }) {
      const name = String(operation.input);
      began.push(name);
      if (name.endsWith('quick')) return async () => null;
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      gaveWay.push(`${name} ${timesGivenWay}`);
      throw new Error('its way to end');
    },
    async abandon() {},
  };
  const kinds = kindsByName([kind]);
  const log = pino({ level: 'silent' });
  const runner = createRunner({ db, kinds, log, ownerId: 'one', beatMs: 10, patienceMs: 20, ...options });
  t.after(async () => {
    await runner.stop({ graceMs: 100 });
    await db[Symbol.asyncDispose]();
  });
  return { db, kinds, runner, began, gaveWay };
}

/** The cloud is the name's first letter. */
async function insert(db: Database, name: string): Promise<string> {
  const about = { kind: 'test.work', folderId: 'f', resourceId: name, description: 'Work', createdBy: 's' };
  return db.transact(async (tx) => {
    const { id } = await insertOperation(tx, { ...about, input: name });
    await tx
      .updateTable('operations')
      .set({ cloud_id: name.charAt(0) })
      .where('id', '=', id)
      .execute();
    return id;
  });
}

async function untilDone(db: Database, operationId: string): Promise<void> {
  for (let spent = 0; !(await getOperation({ db }, { operationId })).done; spent += 5) {
    if (spent > 10_000) throw new Error(`never done: ${operationId}`);
    await delay(5);
  }
}

eachDatabase(({ open }) => {
  test('the newest run of the cloud that has most places gives way, and the attempt does not count', async (t) => {
    const { db, kinds, runner, began, gaveWay } = await openPlaces(t, open, { concurrency: 3 });
    const ids: string[] = [];
    for (const name of ['a1', 'a2', 'a3', 'a4']) ids.push(await insert(db, name));
    await runner.start();
    while (began.length < 3) await delay(5);
    await untilDone(db, await insert(db, 'b quick'));
    assert.deepEqual(gaveWay, [`${began[2]} 0`]);
    await untilDone(db, await insert(db, 'c quick'));
    const rows = await db.read.selectFrom('operations').selectAll().where('id', 'in', ids).execute();
    assert.deepEqual([...new Set(rows.map(({ attempts }) => attempts))].toSorted(), [0, 1]);
    for (const operationId of ids) await cancelOperation({ db, kinds, runner }, { operationId });
  });

  test('where each cloud has one place, nobody gives way before its turn is over', async (t) => {
    const patient = await openPlaces(t, open, { concurrency: 2 });
    for (const name of ['a1', 'b1', 'c1']) await insert(patient.db, name);
    await patient.runner.start();
    while (patient.began.length < 2) await delay(5);
    await delay(200);
    assert.deepEqual([patient.began.toSorted(), patient.gaveWay], [['a1', 'b1'], []]);

    const { db, runner, began, gaveWay } = await openPlaces(t, open, { concurrency: 2, turnMs: 50 });
    for (const name of ['a1', 'b1', 'c1']) await insert(db, name);
    await runner.start();
    await untilDone(db, await insert(db, 'd quick'));
    while (began.length < 6) await delay(5);
    assert.deepEqual([...new Set(began)].toSorted(), ['a1', 'b1', 'c1', 'd quick']);
    assert.ok(gaveWay.some((run) => run.endsWith(' 0')));
  });
});
