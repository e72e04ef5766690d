import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { temporaryFolder } from '../fixtures/qemu.ts';
import { corpus } from './corpus.ts';
import { MiB } from './corpus-table.ts';
import type { Trial } from './try-table.ts';

/** The most that finding out and refusing may cost, whatever the file. */
const mostCpuMs = 1000;
const mostGrownBytes = 64 * MiB;

const program = fileURLToPath(new URL('try-table.ts', import.meta.url));
const run = promisify(execFile);

/** Tries all files of a table in one process, or one of them in a process of its own. */
async function tryFiles(table: string, ...only: string[]): Promise<Trial[]> {
  await using folder = await temporaryFolder();
  // Without it, glibc keeps memory for threads that have ended, and it would be counted for files that did not ask for it.
  const env = { ...process.env, MALLOC_ARENA_MAX: '1' };
  const { stdout } = await run(process.execPath, ['--expose-gc', program, table, folder.path('work'), ...only], {
    env,
  });
  return stdout.trim().split('\n').map(readTrial);
}

function readTrial(line: string): Trial {
  return JSON.parse(line);
}

for (const [name, table] of Object.entries(corpus)) {
  describe(`a ${name}`, () => {
    let trials: ReadonlyMap<string, Trial> = new Map();
    before(async () => {
      trials = new Map((await tryFiles(name)).map((trial) => [trial.row, trial]));
    });
    for (const [attack, rows] of Object.entries(table)) {
      for (const [what, , outcome] of rows) {
        test(`${attack}: ${what}: ${outcome}`, async (context) => {
          const trial = trials.get(what);
          assert.ok(trial, 'the file was tried');
          assert.equal(trial.outcome, outcome);
          if (outcome === 'accepted') return;
          // Memory that files before this one left behind is counted too: a process of its own counts it alone.
          const { cpuMs, grownBytes } = isDear(trial) ? ((await tryFiles(name, what))[0] ?? trial) : trial;
          context.diagnostic(`${Math.round(cpuMs)} ms of CPU, ${(grownBytes / MiB).toFixed(1)} MiB`);
          assert.ok(cpuMs <= mostCpuMs, `${cpuMs} ms of CPU`);
          assert.ok(grownBytes <= mostGrownBytes, `${grownBytes} bytes of memory`);
        });
      }
    }
  });
}

function isDear({ cpuMs, grownBytes }: Trial): boolean {
  return cpuMs > mostCpuMs || grownBytes > mostGrownBytes;
}
