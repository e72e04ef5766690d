import { Worker } from 'node:worker_threads';

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

  /** Runs a task on the next free thread, in the order of asking. Rejects with what the task threw. */
  run<Name extends keyof Tasks & string>(
    task: Name,
    input: Parameters<Tasks[Name]>[0],
  ): Promise<ReturnType<Tasks[Name]>>;
}

interface Job {
  readonly request: TaskRequest;
  resolve(output: never): void;
  reject(error: unknown): void;
}

interface Thread {
  readonly worker: Worker;
  job: Job | undefined;
}

/** Starts `threads` workers that run `module`, which calls `serveTasks` (serve-tasks.ts). */
export function createThreadPool<Tasks extends TaskTable>(options: {
  module: URL;
  threads: number;
}): ThreadPool<Tasks> {
  const queue: Job[] = [];
  const pool: Thread[] = [];
  let lastId = 0;
  let ended = false;

  function startThread(): Thread {
    const thread: Thread = { worker: new Worker(options.module), job: undefined };
    thread.worker.on('message', (reply: TaskReply) => {
      const job = thread.job;
      thread.job = undefined;
      if ('failed' in reply) job?.reject(reply.failed);
      else job?.resolve(reply.output as never); // the task's own return type, which `run` states
      giveWork(thread);
    });
    // A thread that dies (out of memory) takes one task with it, not the process; another takes its place.
    thread.worker.on('error', (error) => replace(thread, error));
    thread.worker.unref();
    return thread;
  }

  function replace(thread: Thread, error: unknown): void {
    const place = pool.indexOf(thread);
    if (place < 0) return;
    thread.job?.reject(error);
    if (ended) return;
    const fresh = startThread();
    pool[place] = fresh;
    giveWork(fresh);
  }

  function giveWork(thread: Thread): void {
    if (thread.job !== undefined) return;
    const job = queue.shift();
    if (job === undefined) return;
    thread.job = job;
    thread.worker.postMessage(job.request);
  }

  for (let index = 0; index < options.threads; index += 1) pool.push(startThread());

  return {
    threads: options.threads,
    run(task, input) {
      if (ended) return Promise.reject(new Error('the threads have ended'));
      lastId += 1;
      const { promise, resolve, reject } = Promise.withResolvers<never>();
      queue.push({ request: { id: lastId, task, input }, resolve, reject });
      const idle = pool.find(({ job }) => job === undefined);
      if (idle !== undefined) giveWork(idle);
      return promise;
    },
    async [Symbol.asyncDispose]() {
      ended = true;
      const error = new Error('the threads have ended');
      for (const { reject } of queue.splice(0)) reject(error);
      for (const { job } of pool) job?.reject(error);
      await Promise.all(pool.map(({ worker }) => worker.terminate()));
    },
  };
}
