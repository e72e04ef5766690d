import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeSparse } from '../fixtures/qemu.ts';
import { fuzzFormats, fuzzWrappers } from './fuzz-formats.ts';
import { type FuzzTotals, InputFailed, makeInput, runInputs } from './run-inputs.ts';
import { Watchdog } from './watchdog.ts';

/**
 * Tries files that may be anything on the readers, by hand and for long:
 *
 *     node test/fuzz/fuzz.ts --format vhdx --inputs 1000000 --seed 1
 *
 * Prints how far it is every 10 seconds. Stops at the first input that does what none may: an error other than a refusal,
 * a run outside the file, more than 1 s of CPU or 64 MiB to refuse. Writes that file, and how to run it again:
 *
 *     node test/fuzz/fuzz.ts --format vhdx --seed 1 --input 1234
 */
const { values } = parseArgs({
  options: {
    format: { type: 'string' },
    inputs: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    input: { type: 'string' },
  },
});
const seed = Number(values.seed);
const inputs = values.input === undefined ? Number(values.inputs) : 1;
const first = Number(values.input ?? 0);
if (![seed, inputs, first].every((number) => Number.isSafeInteger(number) && number >= 0)) {
  throw new Error('--inputs, --seed and --input are whole numbers.');
}
const formats =
  values.format === undefined ? [...Object.keys(fuzzFormats), ...Object.keys(fuzzWrappers)] : [values.format];

for (const format of formats) await fuzz(format);

async function fuzz(format: string): Promise<void> {
  const command = `node test/fuzz/fuzz.ts --format ${format} --seed ${seed} --input`;
  await using watchdog = new Watchdog(command);
  const { user, system } = process.cpuUsage();
  const started = (user + system) / 1_000_000;
  let shown = performance.now();
  try {
    const totals = await runInputs({
      format,
      seed,
      first,
      onInput: (input) => watchdog.begin(input),
      goOn: (soFar) => {
        if (performance.now() - shown > 10_000) {
          shown = performance.now();
          console.log(summary(format, soFar, started));
        }
        return soFar.inputs < inputs;
      },
    });
    console.log(summary(format, totals, started));
    const outcomes = [...totals.outcomes].sort(([, a], [, b]) => b - a);
    for (const [what, count] of outcomes) console.log(`${String(count).padStart(10)} ${what}`);
  } catch (failure) {
    if (!(failure instanceof InputFailed)) throw failure;
    const { file } = makeInput(failure.input);
    const path = join(tmpdir(), `obraz-fuzz-${format}-${seed}-${failure.input.input}`);
    await writeSparse(
      path,
      file.sizeBytes,
      file.parts.map(([offset, bytes]) => [offset, bytes]),
    );
    console.error(failure.cause);
    console.error(`${failure.message}\nThe file is ${path}. Run it again with: ${command} ${failure.input.input}`);
    process.exitCode = 1;
  }
}

function summary(format: string, totals: FuzzTotals, started: number): string {
  const { user, system } = process.cpuUsage();
  const cpuSeconds = (user + system) / 1_000_000 - started;
  const { inputs: done, cpuMs, growthBytes } = totals;
  return [
    `${format}, seed ${seed}: ${done} inputs in ${cpuSeconds.toFixed(0)} s of CPU, ${(done / cpuSeconds).toFixed(0)} a second`,
    `most for one ${cpuMs.value.toFixed(1)} ms (input ${cpuMs.input})`,
    `largest growth of memory ${(growthBytes.value / 2 ** 20).toFixed(1)} MiB (input ${growthBytes.input})`,
  ].join('; ');
}
