import { parentPort } from 'node:worker_threads';
import type { TaskReply, TaskRequest, TaskTable } from './thread-pool.ts';

/** The worker's end of a pool: answers each request with what its task returns or throws. Call it once, at the top. */
export function serveTasks(tasks: TaskTable): void {
  const port = parentPort;
  if (port === null) throw new Error('tasks are served by a worker thread only');
  port.on('message', ({ id, task, input }: TaskRequest) => {
    let reply: TaskReply;
    try {
      const run = tasks[task];
      if (run === undefined) throw new Error(`no task named ${task}`);
      reply = { id, output: run(input) };
    } catch (failed) {
      reply = { id, failed };
    }
    port.postMessage(reply);
  });
}
