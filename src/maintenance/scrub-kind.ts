import { hasPassed } from '../lib/has-passed.ts';
import { integerOf, objectOf, stringOf } from '../lib/json.ts';
import { createPace } from '../lib/pace.ts';
import type { Commit, OperationContext, OperationKind } from '../operations/kind.ts';
import { saveCheckpoint } from '../operations/lease.ts';
import { measureScrub, type ScrubPosition, scrub, scrubStart } from '../volumes/scrub.ts';
import type { Store } from '../volumes/store.ts';
import { scrubStoreKind } from './operation-names.ts';
import { StoreProgress } from './store-progress.ts';
import { ReportBuilder, reportFromJson, reportToJson } from './store-report.ts';

/** Slow enough for imports and reads beside it, fast enough for a terabyte in three hours. */
export const defaultBytesPerSecond = 100_000_000;

/** At most so much is read again after a crash. */
const checkpointEveryMs = 5_000;

/** How operations that read and verify all of the store are run; they go on where they were interrupted. */
export function createScrubKind(store: Store): OperationKind {
  return {
    name: scrubStoreKind,
    async run(context) {
      const { bytesPerSecond } = readScrubInput(context.operation.input);
      return runScrub(store, context, { bytesPerSecond, report: new ReportBuilder() });
    },
    async abandon() {},
  };
}

export function readScrubInput(value: unknown): { readonly bytesPerSecond: number } {
  return { bytesPerSecond: integerOf(objectOf(value, 'input of a scrub'), 'bytesPerSecond') };
}

/** Reads and verifies what was not read yet. What `report` has already is in the result of a first run only. */
export async function runScrub(
  store: Store,
  { operation, lease, signal, report: tell }: OperationContext,
  { bytesPerSecond, report }: { readonly bytesPerSecond: number; readonly report: ReportBuilder },
): Promise<Commit> {
  const checkpoint = readCheckpoint(operation.checkpoint);
  const found = checkpoint === undefined ? report : new ReportBuilder(checkpoint.report);
  const from = checkpoint?.position ?? scrubStart;
  const progress = new StoreProgress(tell, store.now, from.bytes);
  progress.bytesTotal = await measureScrub(store);
  let savedAt = store.now();
  const end = await scrub(store, {
    pace: createPace(bytesPerSecond),
    signal,
    from,
    onRead: (bytes) => progress.passed(bytes),
    async onPack(position, findings) {
      for (const finding of findings) found.add(finding);
      progress.errors = found.errors;
      progress.warnings = found.warnings;
      // What was quarantined is not found again: it is written down at once.
      const isTime = hasPassed(checkpointEveryMs, { since: savedAt, now: store.now() });
      if (findings.length === 0 && !isTime) return;
      savedAt = store.now();
      const report = reportToJson(found.finish(position));
      const saved = { position: { ...position }, report };
      await store.db.transact((tx) => saveCheckpoint(tx, lease, saved, { isNewGround: true }));
    },
  });
  progress.tell();
  return async () => reportToJson(found.finish(end));
}

function readCheckpoint(value: unknown) {
  if (value === undefined || value === null) return undefined;
  const json = objectOf(value, 'checkpoint of a scrub');
  return { position: readPosition(objectOf(json.position, 'position')), report: reportFromJson(json.report) };
}

function readPosition(json: Readonly<Record<string, unknown>>): ScrubPosition {
  const number = (key: string) => integerOf(json, key);
  return { packId: stringOf(json, 'packId'), packs: number('packs'), chunks: number('chunks'), bytes: number('bytes') };
}
