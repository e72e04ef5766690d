import type { Logger } from 'pino';
import { deleteExpiredRevocations } from './access/token-rows.ts';
import { forgetExpired } from './attachments/forget-expired.ts';
import { type AuditRetention, forgetAudit } from './audit/forget-audit.ts';
import type { ChangeNotices } from './db/change-notices.ts';
import { sweepSpool } from './images/sweep-spool.ts';
import type { FirstResources } from './installation/first-rows.ts';
import { type RepeatOptions, repeat } from './lib/repeat.ts';
import { startCompaction } from './maintenance/start-store-operation.ts';
import type { MeteredKinds } from './metrics/metered-kinds.ts';
import { deleteOldCalls } from './nodes/call-rows.ts';
import { deleteGoneNodes } from './nodes/node-rows.ts';
import type { Role } from './nodes/role.ts';
import { defaultRetention, forgetOld } from './operations/forget-old.ts';
import { kindsByName, type OperationKind } from './operations/kind.ts';
import type { OperationWaits } from './operations/operation-waits.ts';
import { createRunner, type Runner } from './operations/runner.ts';
import { type Collector, collectorDefaults, startCollector } from './volumes/collector.ts';
import type { Store } from './volumes/store.ts';

/** Imports under way at once: many more than the memory is enough for, because most of them wait for bytes to come. */
const importPlaces = 16;

/** For how long an import keeps its place when more clouds than there are places have something to import. */
const importTurnMs = 10 * 60_000;

/** How often attachments that were not used in time are looked for. */
const forgetAttachmentsEveryMs = 60_000;

/** How often operations, idempotency keys and revocations that are long over are looked for. */
const forgetEveryMs = 3_600_000;

/** How often copies of sources are looked for whose operations ended elsewhere. */
const sweepSpoolEveryMs = 600_000;

/** A node without disks is forgotten when it was not there for a day; a call that nobody ended, after an hour. */
const goneMs = 24 * 3_600_000;
const oldCallMs = 3_600_000;

export interface WorkOptions {
  readonly store: Store;
  readonly notices: ChangeNotices;
  readonly roles: readonly Role[];
  readonly nodeId: string;
  /** Nobody else uses the database. */
  readonly isAlone: boolean;
  readonly spoolDirectory: string;
  /** What makes images and snapshots, what looks after the store, and what computes digests. */
  readonly kinds: { readonly images: OperationKind[]; readonly store: OperationKind[]; readonly digest: OperationKind };
  readonly metered: MeteredKinds;
  readonly waits: Pick<OperationWaits, 'settled'>;
  /** Names this process and start in leases. */
  readonly ownerId: string;
  readonly auditRetention: AuditRetention;
  readonly keepDeletedMs: number;
  readonly first: FirstResources;
  readonly onGarbage: () => void;
  readonly log: Logger;
}

/** The work of a process: the operations that it runs, and what is done again and again. */
export interface Work extends AsyncDisposable {
  /** As Runner's, of all of them. */
  readonly runner: Pick<Runner, 'wake' | 'abort' | 'start' | 'stop'>;
  /** Undefined where it is left to others. */
  readonly collector: Collector | undefined;
}

/** Prepares the work of a process; its operations wait for the runner's start. */
export function openWork(options: WorkOptions): Work {
  const { store, notices, roles, nodeId, isAlone, kinds, metered, waits, ownerId, log } = options;
  const opening = new AsyncDisposableStack();
  const isWorker = roles.includes('worker');
  const meteredByName = (some: readonly OperationKind[]) => kindsByName(some.map((kind) => metered.meter(kind)));
  const onSettled = (operationId: string) => waits.settled(operationId);
  const running = { db: store.db, notices, log, ownerId, onSettled };
  const runners: Runner[] = [];
  const run = (some: Omit<Parameters<typeof createRunner>[0], keyof typeof running>) => {
    runners.push(opening.use(createRunner({ ...running, ...some })));
  };
  // What works on a disk is run where the disk is, and all else by workers.
  const nodes = isAlone ? 'all' : [...(isWorker ? [''] : []), ...(roles.includes('block') ? [nodeId] : [])];
  if (nodes.length > 0) {
    run({ kinds: meteredByName(kinds.images), nodes, concurrency: importPlaces, turnMs: importTurnMs });
  }
  if (isWorker) {
    // A scrub takes hours: it must not take an import's place. What an earlier process left is the first one's to free.
    run({ kinds: meteredByName(kinds.store), concurrency: kinds.store.length, isAlone: false });
    // Nor must those who only see images, and have them hashed, take the places of those who make some.
    run({ kinds: meteredByName([kinds.digest]), concurrency: 2, isAlone: false });
  }
  const runner: Work['runner'] = {
    wake() {
      for (const one of runners) one.wake();
    },
    abort(operationId) {
      for (const one of runners) one.abort(operationId);
      waits.settled(operationId);
    },
    async start() {
      for (const one of runners) await one.start();
    },
    async stop(how) {
      await Promise.all(runners.map((one) => one.stop(how)));
    },
  };
  const collector = isWorker ? opening.use(startCollecting(options, runner)) : undefined;
  if (isWorker) for (const one of choresOf(options)) opening.use(repeat(one));
  return { runner, collector, [Symbol.asyncDispose]: () => opening.disposeAsync() };
}

function startCollecting({ store, keepDeletedMs, first }: WorkOptions, runner: Work['runner']): Collector {
  const { folderId, administratorId: createdBy } = first;
  return startCollector(store, {
    ...collectorDefaults,
    delayMs: keepDeletedMs,
    onCompactable: () => startCompaction({ db: store.db, runner, folderId, createdBy }),
  });
}

/** What is done again and again. Several processes may do it at once. */
function choresOf({ store, spoolDirectory, auditRetention, onGarbage, log }: WorkOptions): RepeatOptions[] {
  const { db } = store;
  const chore = (everyMs: number, what: string, run: (signal: AbortSignal) => Promise<void>): RepeatOptions => ({
    everyMs,
    soonMs: everyMs,
    run,
    onError: (error) => log.error({ err: error }, `${what} failed; it is tried again`),
  });
  return [
    chore(forgetEveryMs, 'forgetting what is over', async (signal) => {
      await forgetOld(store, defaultRetention, signal);
      await forgetAudit(store, auditRetention, signal);
      await db.transact((tx) => deleteExpiredRevocations(tx, new Date(store.now())));
      await db.transact((tx) => deleteOldCalls(tx, oldCallMs));
      await db.transact((tx) => deleteGoneNodes(tx, goneMs));
    }),
    chore(forgetAttachmentsEveryMs, 'taking expired attachments away', async (signal) => {
      if ((await forgetExpired(store, signal)) > 0) onGarbage();
    }),
    chore(sweepSpoolEveryMs, 'sweeping copies of sources', () => sweepSpool({ db, spoolDirectory })),
  ];
}
