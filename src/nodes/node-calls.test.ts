import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import pino from 'pino';
import { eachDatabase, sharePostgres } from '../../test/fixtures/databases.ts';
import { postgresMissing } from '../../test/fixtures/postgres.ts';
import type { Database } from '../db/database.ts';
import { openNotices } from '../db/open-notices.ts';
import { openPostgres } from '../db/open-postgres.ts';
import { failedPrecondition } from '../errors.ts';
import { CallAnswers, forgetCalls, type NodeMethod } from './call-answers.ts';
import { createNodeCalls } from './node-calls.ts';
import { enterNode, leaveNode, markNodeRemoved } from './node-rows.ts';

const log = pino({ level: 'silent' });
const nodeId = 'nod-asked';

/** A node that counts up, and can take it back. */
function counting() {
  const counted: number[] = [];
  let count = 0;
  const method: NodeMethod = {
    async answer(input) {
      count += 1;
      counted.push(count);
      return { input, count };
    },
    async undo(answer) {
      const undone = answer as { count: number };
      counted.splice(counted.indexOf(undone.count), 1);
    },
  };
  return { counted, method };
}

const enter = (db: Database) => db.transact((tx) => enterNode(tx, { id: nodeId, roles: ['block'], startId: 'asked' }));
const rows = (db: Database) => db.read.selectFrom('node_calls').selectAll().execute();

async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await wait(5);
}

eachDatabase(({ open }) => {
  test('a node answers what it is asked, with its errors', async (t) => {
    const db = await open(t);
    await enter(db);
    const methods = {
      echo: { answer: async (input: unknown) => ({ input: `${JSON.stringify(input)}` }) },
      refuse: {
        answer: async () => {
          throw failedPrecondition('NOT_NOW', 'not now');
        },
      },
    };
    await using _answers = new CallAnswers({ db, nodeId, methods, log, pollMs: 5 });
    const calls = createNodeCalls({ db });
    assert.deepEqual(await calls.ask(nodeId, 'echo', { a: 1 }), { input: '{"a":1}' });
    await assert.rejects(calls.ask(nodeId, 'refuse', {}), { code: 'FAILED_PRECONDITION', reason: 'NOT_NOW' });
    await assert.rejects(calls.ask(nodeId, 'nothing', {}), { code: 'UNIMPLEMENTED' });
    assert.deepEqual(await rows(db), [], 'a call that is over leaves nothing');
  });

  test('what was done for a call that nobody takes, or nobody waits for, is undone', async (t) => {
    const db = await open(t);
    await enter(db);
    const { counted, method } = counting();
    const calls = createNodeCalls({ db });
    {
      await using _answers = new CallAnswers({ db, nodeId, methods: { count: method }, log, pollMs: 5, keepMs: 50 });
      const kept = await calls.askForNow(nodeId, 'count', {});
      await db.transact((tx) => kept.take(tx));
      const unwanted = await calls.askForNow(nodeId, 'count', {});
      await unwanted.giveBack();
      await until(() => counted.length === 1);
      const late = await calls.askForNow(nodeId, 'count', {});
      await until(async () => (await rows(db)).length === 0);
      await assert.rejects(
        db.transact((tx) => late.take(tx)),
        { code: 'UNAVAILABLE' },
      );
      await wait(60);
    }
    assert.deepEqual(counted, [1], 'what was taken stays');
  });

  test('one who asked in vain is told so, and an answer that comes later is undone', async (t) => {
    const db = await open(t);
    await enter(db);
    const { counted, method } = counting();
    const { promise: go, resolve } = Promise.withResolvers<void>();
    const slow: NodeMethod = { ...method, answer: (input) => go.then(() => method.answer(input)) };
    const calls = createNodeCalls({ db, timeoutMs: 50 });
    {
      await using _answers = new CallAnswers({ db, nodeId, methods: { slow }, log, pollMs: 5 });
      await assert.rejects(calls.ask(nodeId, 'slow', {}), { code: 'UNAVAILABLE', message: /did not answer within/ });
      resolve();
      await until(() => counted.length === 0);
    }
    assert.deepEqual([counted, await rows(db)], [[], []]);
  });

  test('a start forgets what the process before was asked; its answers can be taken no more', async (t) => {
    const db = await open(t);
    await enter(db);
    const { counted, method } = counting();
    const calls = createNodeCalls({ db });
    await using stack = new AsyncDisposableStack();
    const before = stack.use(new CallAnswers({ db, nodeId, methods: { count: method }, log, pollMs: 5 }));
    const answer = await calls.askForNow(nodeId, 'count', {});
    await before[Symbol.asyncDispose]();
    const waiting = calls.ask(nodeId, 'count', {});
    await until(async () => (await rows(db)).length === 2);
    await forgetCalls(db, nodeId);
    await assert.rejects(waiting, { code: 'UNAVAILABLE', message: /started anew/ });
    await assert.rejects(
      db.transact((tx) => answer.take(tx)),
      { code: 'UNAVAILABLE' },
    );
    assert.deepEqual(counted, [1], 'what is not held is freed by the start');
  });

  test('a node that is not there is not waited for', async (t) => {
    const db = await open(t);
    const calls = createNodeCalls({ db });
    const gone = { code: 'UNAVAILABLE', message: /is not running.*obraz node remove nod-asked/ };
    await assert.rejects(calls.ask(nodeId, 'echo', {}), gone);
    await enter(db);
    await db.transact((tx) => leaveNode(tx, nodeId));
    await assert.rejects(calls.ask(nodeId, 'echo', {}), gone);
    await db.transact((tx) => markNodeRemoved(tx, nodeId));
    await assert.rejects(calls.ask(nodeId, 'echo', {}), gone);
  });
});

describe('where nodes are told of calls', { skip: postgresMissing }, () => {
  const { createDatabase } = sharePostgres();

  test('nobody waits for a look', async () => {
    await using stack = new AsyncDisposableStack();
    const url = await createDatabase();
    const db = stack.use(await openPostgres(url));
    const notices = stack.use(openNotices(url, log));
    await until(() => notices.areHeard);
    await enter(db);
    const { counted, method } = counting();
    const answers = { db, nodeId, methods: { count: method }, log, notices, pollMs: 600_000 };
    stack.use(new CallAnswers(answers));
    const calls = createNodeCalls({ db, notices });
    const answer = await calls.askForNow(nodeId, 'count', {});
    assert.deepEqual(counted, [1]);
    await answer.giveBack();
    await until(() => counted.length === 0);
  });
});
