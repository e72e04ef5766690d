import type { FairBudget } from '../lib/fair-budget.ts';
import type { ThreadPoolFigures } from '../threads/thread-pool.ts';
import { byLabel, counter, type Family, gauge, histogram } from './family.ts';
import type { MeteredKinds } from './metered-kinds.ts';
import type { Facts } from './read-facts.ts';

export interface WorkSources {
  readonly kinds: MeteredKinds;
  readonly memory: Pick<FairBudget, 'totalBytes' | 'freeBytes' | 'waitingCount'>;
  readonly threads: () => ThreadPoolFigures;
  readonly facts: () => Promise<Facts>;
}

/** Operations, the imports among them, and what they work with. */
export function workFamilies({ kinds, memory, threads, facts }: WorkSources): Family[] {
  return [
    gauge('obraz_operations', 'Operations that are not done, of all processes, by kind and state.', async () =>
      (await facts()).operations.map(({ kind, state, count }) => ({ labels: { kind, state }, value: count })),
    ),
    gauge(
      'obraz_operations_oldest_wait_seconds',
      'How long the oldest operation waits that could run.',
      async () => (await facts()).oldestWaitMs / 1000,
    ),
    gauge('obraz_operations_running', 'Operations that this process runs.', () =>
      Iterator.from(kinds.kinds()).map(({ kind, running }) => ({ labels: { kind }, value: running })),
    ),
    counter('obraz_operation_runs_total', 'Runs that began; more than one for an operation that was tried again.', () =>
      Iterator.from(kinds.kinds()).map(({ kind, runs }) => ({ labels: { kind }, value: runs })),
    ),
    counter('obraz_operation_ends_total', 'Runs that ended: done, stopped, or the reason of the failure.', () =>
      Iterator.from(kinds.kinds()).flatMap(({ kind, ends }) =>
        Iterator.from(ends).map(([result, value]) => ({ labels: { kind, result }, value })),
      ),
    ),
    histogram('obraz_operation_run_seconds', 'How long runs took.', () =>
      Iterator.from(kinds.kinds()).map(({ kind, seconds }) => ({ labels: { kind }, histogram: seconds })),
    ),
    gauge('obraz_imports_running', 'Imports under way in this process, by phase.', () =>
      byLabel('phase', Object.fromEntries(kinds.imports().running)),
    ),
    counter('obraz_import_phase_seconds_total', 'What imports have spent in each phase.', () =>
      Iterator.from(kinds.imports().phaseMs).map(([phase, ms]) => ({ labels: { phase }, value: ms / 1000 })),
    ),
    counter('obraz_import_bytes_total', 'Bytes received from sources, and guest bytes passed, holes included.', () => {
      const { sourceBytes, guestBytes } = kinds.imports();
      return byLabel('kind', { source: sourceBytes, guest: guestBytes });
    }),
    gauge('obraz_import_memory_bytes', 'The memory that imports share.', () =>
      byLabel('kind', { used: memory.totalBytes - memory.freeBytes, total: memory.totalBytes }),
    ),
    gauge('obraz_import_memory_waiting', 'Imports that wait for memory.', () => memory.waitingCount),
    gauge('obraz_threads', 'Threads that decode, cut, hash and compress.', () => {
      const { threads: total, busy } = threads();
      return byLabel('state', { busy, idle: total - busy });
    }),
    gauge('obraz_thread_tasks_queued', 'Tasks that wait for a thread.', () => threads().queued),
    counter('obraz_thread_tasks_total', 'Tasks that ended, by what they did.', () =>
      Iterator.from(threads().tasks).map(([task, { count }]) => ({ labels: { task }, value: count })),
    ),
    counter('obraz_thread_busy_seconds_total', 'What threads have worked, by what they did.', () =>
      Iterator.from(threads().tasks).map(([task, { busyMs }]) => ({ labels: { task }, value: busyMs / 1000 })),
    ),
  ];
}
