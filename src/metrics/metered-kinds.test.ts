import assert from 'node:assert/strict';
import test from 'node:test';
import { failedPrecondition } from '../errors.ts';
import type { JsonValue } from '../lib/json.ts';
import type { Commit, OperationContext, OperationKind } from '../operations/kind.ts';
import { MeteredKinds } from './metered-kinds.ts';

const commit: Commit = async () => null;

function contextOf(signal: AbortSignal, reported: JsonValue[] = []): OperationContext {
  return {
    operation: { id: 'o', kind: 'work', folderId: 'f', resourceId: 'r', input: null, checkpoint: undefined },
    signal,
    lease: { operationId: 'o', epoch: 1 },
    timesGivenWay: 0,
    report: (progress) => void reported.push(progress),
  };
}

function kindOf(run: OperationKind['run']): OperationKind {
  return { name: 'work', run, async abandon() {} };
}

const going = () => new AbortController().signal;

test('counts how runs end, and leaves their outcome as it is', async () => {
  const metered = new MeteredKinds();
  const stopping = new AbortController();
  let times = 0;
  const kind = metered.meter(
    kindOf(async ({ signal }) => {
      times += 1;
      if (times === 1) return commit;
      if (times === 2) throw failedPrecondition('DISK_IN_USE', 'in use');
      if (times === 3) throw new Error('a bug');
      stopping.abort();
      throw signal.reason;
    }),
  );
  assert.equal(await kind.run(contextOf(going())), commit);
  await assert.rejects(kind.run(contextOf(going())), /in use/);
  await assert.rejects(kind.run(contextOf(going())), /a bug/);
  await assert.rejects(kind.run(contextOf(stopping.signal)));
  const [figures] = [...metered.kinds()];
  assert.deepEqual(
    { ...figures, ends: Object.fromEntries(figures?.ends ?? []), seconds: figures?.seconds.count },
    { kind: 'work', running: 0, runs: 4, ends: { done: 1, DISK_IN_USE: 1, INTERNAL: 1, stopped: 1 }, seconds: 4 },
  );
});

test('adds up what imports report, phase by phase, and passes it on', async () => {
  const metered = new MeteredKinds();
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const kind = metered.meter(
    kindOf(async ({ report }) => {
      report({ phase: 'opening', bytesRead: 0, guestBytesDone: 0 });
      report({ phase: 'importing', bytesRead: 100, guestBytesDone: 40 });
      report({ phase: 'importing', bytesRead: 150, guestBytesDone: 90 });
      report('something else');
      reached.resolve();
      await released.promise;
      return commit;
    }),
  );
  const reported: JsonValue[] = [];
  const run = kind.run(contextOf(going(), reported));
  await reached.promise;
  assert.equal(metered.imports().running.get('importing'), 1);
  released.resolve();
  await run;
  assert.equal(reported.length, 4);
  const { sourceBytes, guestBytes, running, phaseMs } = metered.imports();
  assert.deepEqual([sourceBytes, guestBytes, running.get('importing'), running.get('opening')], [150, 90, 0, 0]);
  assert.deepEqual([...phaseMs.keys()], ['opening', 'importing']);
});
