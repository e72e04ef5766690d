import { booleanOf, objectOf } from '../lib/json.ts';
import type { Commit, OperationContext, OperationKind } from '../operations/kind.ts';
import { checkStore } from '../volumes/check-store.ts';
import { measureScrub } from '../volumes/scrub.ts';
import type { Store } from '../volumes/store.ts';
import { checkHolders } from './check-holders.ts';
import { checkStoreKind } from './operation-names.ts';
import { readScrubInput, runScrub } from './scrub-kind.ts';
import { StoreProgress } from './store-progress.ts';
import { ReportBuilder, reportToJson } from './store-report.ts';

/** How operations that check the store are run: one that is interrupted begins again, but for the data it has read. */
export function createCheckKind(store: Store, keepDeletedMs: number): OperationKind {
  return {
    name: checkStoreKind,
    run: (context) => check(store, keepDeletedMs, context),
    async abandon() {},
  };
}

async function check(store: Store, keepDeletedMs: number, context: OperationContext): Promise<Commit> {
  const { operation, signal, report } = context;
  const isReading = booleanOf(objectOf(operation.input, 'input of a check'), 'readData');
  const found = new ReportBuilder();
  // With a checkpoint, the checks were done and are in its report.
  if (isReading && operation.checkpoint !== undefined) return scrubOn();
  const progress = new StoreProgress(report, store.now);
  progress.bytesTotal = await measureScrub(store);
  let packs = 0;
  const onChecked = (bytes: number): void => {
    if (bytes > 0) packs += 1;
    progress.passed(bytes);
  };
  for (const findings of [checkHolders(store.db.scan), checkStore(store, { signal, keepDeletedMs, onChecked })]) {
    for await (const finding of findings) {
      found.add(finding);
      progress.errors = found.errors;
      progress.warnings = found.warnings;
    }
  }
  progress.tell();
  if (isReading) return scrubOn();
  return async () => reportToJson(found.finish({ packs, chunks: 0 }));

  function scrubOn(): Promise<Commit> {
    const { bytesPerSecond } = readScrubInput(operation.input);
    return runScrub(store, context, { bytesPerSecond, report: found });
  }
}
