import { Worker } from 'node:worker_threads';
import { SharedMemoryPool } from './shared-memory-pool.ts';

/**
 * What a worker module can do: names of pure functions, from one structured-cloneable value to another. Bulk bytes go
 * both ways in SharedArrayBuffers, which are not copied.
 */
// biome-ignore lint/suspicious/noExplicitAny: a bound for any signature; each use has the exact one
export type TaskTable = Record<string, (input: any) => unknown>;

export interface TaskRequest {
  readonly id: number;
  readonly task: string;
  readonly input: unknown;
}

export type TaskReply =
  | { readonly id: number; readonly output: unknown }
  | { readonly id: number; readonly failed: unknown };

/** Threads that run the tasks of one module. Dispose it to end them; tasks under way are then rejected. */
export interface ThreadPool<Tasks extends TaskTable> extends AsyncDisposable {
  readonly threads: number;
  /** For the bulk bytes of tasks. */
  readonly memory: SharedMemoryPool;

  figures(): ThreadPoolFigures;

  /** Runs a task on the next free thread, in the order of asking. Rejects with what the task threw. */
  run<Name extends keyof Tasks & string>(
    task: Name,
    input: Parameters<Tasks[Name]>[0],
  ): Promise<ReturnType<Tasks[Name]>>;
}

/** What the threads do now, and have done since the start. */
export interface ThreadPoolFigures {
  readonly threads: number;
  readonly busy: number;
  /** Tasks that wait for a thread. */
  readonly queued: number;
  /** By the task's name. */
  readonly tasks: ReadonlyMap<string, { readonly count: number; readonly busyMs: number }>;
}

interface Job {
  readonly request: TaskRequest;
  resolve(output: never): void;
  reject(error: unknown): void;
}

interface Thread {
  readonly worker: Worker;
  job: Job | undefined;
  /** When it was given its job. */
  begunAt: number;
  /** What it dies of; its exit follows. */
  failure: unknown;
}

/**
 * Starts `threads` workers that run `module`, which calls `serveTasks` (serve-tasks.ts).
 *
 * A thread that dies (out of memory) takes one task with it, not the process. Another takes its place when there is work
 * for it, and not before: threads that can't even load are started no more often than tasks are asked for, and each of
 * those tasks is rejected with the reason.
 */
export function createThreadPool<Tasks extends TaskTable>(options: {
  module: URL;
  threads: number;
}): ThreadPool<Tasks> {
  const queue: Job[] = [];
  const pool = new Set<Thread>();
  const tasks = new Map<string, { count: number; busyMs: number }>();
  let lastId = 0;
  let ended = false;

  function count(task: string, ms: number): void {
    const counted = tasks.get(task) ?? { count: 0, busyMs: 0 };
    counted.count += 1;
    counted.busyMs += ms;
    tasks.set(task, counted);
  }

  function startThread(): Thread {
    const worker = new Worker(options.module);
    const thread: Thread = { worker, job: undefined, begunAt: 0, failure: undefined };
    worker.on('message', (reply: TaskReply) => {
      const job = thread.job;
      thread.job = undefined;
      if (job !== undefined) count(job.request.task, performance.now() - thread.begunAt);
      if ('failed' in reply) job?.reject(reply.failed);
      else job?.resolve(reply.output as never); // the task's own return type, which `run` states
      giveWork();
    });
    worker.on('error', (error) => {
      thread.failure = error;
    });
    worker.on('messageerror', (error) => {
      thread.failure = error;
      void worker.terminate();
    });
    worker.on('exit', (code) => {
      pool.delete(thread);
      thread.job?.reject(thread.failure ?? new Error(`a thread ended with code ${code} in the middle of its task`));
      if (!ended) giveWork();
    });
    worker.unref();
    pool.add(thread);
    return thread;
  }

  /** A thread without a task, started if there is room for one; undefined when all are busy. */
  function freeThread(): Thread | undefined {
    for (const thread of pool) if (thread.job === undefined && thread.failure === undefined) return thread;
    return pool.size < options.threads ? startThread() : undefined;
  }

  function giveWork(): void {
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
      let thread: Thread | undefined;
      try {
        thread = freeThread();
        if (thread === undefined) {
          queue.unshift(job);
          return;
        }
        thread.worker.postMessage(job.request);
        thread.job = job;
        thread.begunAt = performance.now();
      } catch (error) {
        // No thread could be started, or the input can't be sent to one.
        job.reject(error);
      }
    }
  }

  for (let index = 0; index < options.threads; index += 1) startThread();

  return {
    threads: options.threads,
    memory: new SharedMemoryPool(),
    figures: () => ({
      threads: options.threads,
      busy: Iterator.from(pool)
        .filter(({ job }) => job !== undefined)
        .toArray().length,
      queued: queue.length,
      tasks,
    }),
    run(task, input) {
      if (ended) return Promise.reject(new Error('the threads have ended'));
      lastId += 1;
      const { promise, resolve, reject } = Promise.withResolvers<never>();
      queue.push({ request: { id: lastId, task, input }, resolve, reject });
      giveWork();
      return promise;
    },
    async [Symbol.asyncDispose]() {
      ended = true;
      const error = new Error('the threads have ended');
      for (const { reject } of queue.splice(0)) reject(error);
      for (const { job } of pool) job?.reject(error);
      await Promise.all(Array.from(pool, ({ worker }) => worker.terminate()));
    },
  };
}
