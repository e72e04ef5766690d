import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { temporaryDirectory } from '../fixtures/obraz.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..', '..');
const missing = 'systemd-analyze is missing: install the package systemd';
let unit: string;
let isHere: boolean;

before(async () => {
  unit = await readFile(join(root, 'examples', 'systemd', 'obraz.service'), 'utf8');
  isHere = await run('systemd-analyze', ['--version']).then(
    () => true,
    () => false,
  );
});

/** The unit as it would be installed, but with our own bin/obraz, so that the command is there. */
async function analyze(arguments_: readonly string[]): Promise<string> {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'obraz.service');
  await writeFile(path, unit.replaceAll('/opt/obraz/', `${root}/`));
  const { stdout, stderr } = await run('systemd-analyze', [...arguments_, path]);
  return `${stdout}${stderr}`;
}

function skipWithout(t: TestContext): boolean {
  if (!isHere) t.skip(missing);
  return !isHere;
}

test('systemd has nothing to say against the unit', async (t) => {
  if (skipWithout(t)) return;
  const said = await analyze(['verify']);
  assert.doesNotMatch(said, /obraz/);
});

test('the unit is exposed to little', async (t) => {
  if (skipWithout(t)) return;
  const said = await analyze(['security', '--offline=true', '--no-pager']);
  const exposure = Number(/Overall exposure level for obraz\.service: ([\d.]+)/.exec(said)?.[1]);
  assert.ok(exposure <= 1.5, said);
});

test('the unit keeps what it has to', () => {
  const settings = new Map([...unit.matchAll(/^(\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]));
  for (const [name, value] of [
    ['ProtectSystem', 'strict'],
    ['NoNewPrivileges', 'yes'],
    ['StateDirectory', 'obraz'],
    ['CapabilityBoundingSet', ''],
    ['Environment', 'OBRAZ_DATA=/var/lib/obraz'],
  ] as const) {
    assert.equal(settings.get(name), value, name);
  }
  // Longer than the service takes to stop (src/serve.ts), or its last phase would be cut.
  assert.ok(Number(settings.get('TimeoutStopSec')) > 10);
});
