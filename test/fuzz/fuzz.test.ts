import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzzFormats, fuzzWrappers } from './fuzz-formats.ts';
import { runInputs } from './run-inputs.ts';

/** A run by hand (fuzz.ts) tries a million; this one finds what a change broke in plain sight. */
const secondsEach = { format: 8, wrapper: 5 };

const seed = Number(process.env.OBRAZ_TEST_SEED ?? Date.now() % 1_000_000);

for (const format of [...Object.keys(fuzzFormats), ...Object.keys(fuzzWrappers)]) {
  test(`reads or refuses any ${format} within its bounds (OBRAZ_TEST_SEED=${seed})`, async (context) => {
    const seconds = format in fuzzWrappers ? secondsEach.wrapper : secondsEach.format;
    const end = performance.now() + seconds * 1000;
    const { inputs, outcomes } = await runInputs({ format, seed, goOn: () => performance.now() < end });
    context.diagnostic(`${inputs} inputs, ${outcomes.size} outcomes`);
    const read = [...outcomes].filter(([what]) => what.startsWith('read ')).reduce((sum, [, count]) => sum + count, 0);
    // Files that are all refused at the door, or all read, would test nothing.
    assert.ok(read > inputs / 20 && read < inputs, `${read} of ${inputs} were read`);
  });
}
