import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Runs a program to its end and returns what it printed; throws with all it said when it failed. */
export async function capture(
  command: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  timeoutMs = 120_000,
): Promise<string> {
  const [program = '', ...args] = command;
  const { PATH, HOME } = process.env;
  const child = spawn(program, args, {
    // Nothing else of this process: clients read variables that have nothing to do with us.
    env: { PATH, HOME, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMs,
  });
  let printed = '';
  let failure = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    failure += text;
  });
  await once(child, 'close');
  assert.equal(child.exitCode, 0, `${command.join(' ')}\n${printed}${failure}`);
  return printed;
}
