import assert from 'node:assert/strict';
import test from 'node:test';
import { Histogram } from '../lib/histogram.ts';
import { expose } from './exposition.ts';
import { byLabel, counter, gauge, histogram } from './family.ts';
import { createMetrics } from './metrics.ts';

const unexpected = { onError: (error: unknown) => assert.fail(String(error)) };

test('writes each family with its help and its type, as Prometheus reads it', async () => {
  const sizes = new Histogram([0.5, 2]);
  for (const value of [0.1, 1, 9]) sizes.add(value);
  const text = await expose(
    [
      gauge('obraz_free_bytes', 'What is free.', () => 12.5),
      counter('obraz_calls_total', 'Calls.', async () => byLabel('code', { OK: 3, NOT_FOUND: 1 })),
      histogram('obraz_seconds', 'How long.', () => [{ labels: { door: 'rest' }, histogram: sizes }]),
    ],
    unexpected,
  );
  assert.equal(
    text,
    `# HELP obraz_free_bytes What is free.
# TYPE obraz_free_bytes gauge
obraz_free_bytes 12.5
# HELP obraz_calls_total Calls.
# TYPE obraz_calls_total counter
obraz_calls_total{code="OK"} 3
obraz_calls_total{code="NOT_FOUND"} 1
# HELP obraz_seconds How long.
# TYPE obraz_seconds histogram
obraz_seconds_bucket{door="rest",le="0.5"} 1
obraz_seconds_bucket{door="rest",le="2"} 2
obraz_seconds_bucket{door="rest",le="+Inf"} 3
obraz_seconds_sum{door="rest"} 10.1
obraz_seconds_count{door="rest"} 3
`,
  );
});

test('escapes what a label may hold, and has words for what is no number', async () => {
  const read = () => [{ labels: { text: 'a "b"\\\nc' }, value: Number.POSITIVE_INFINITY }];
  const text = await expose([gauge('obraz_x', 'One\ntwo.', read)], unexpected);
  assert.equal(text, '# HELP obraz_x One\\ntwo.\n# TYPE obraz_x gauge\nobraz_x{text="a \\"b\\"\\\\\\nc"} +Inf\n');
});

test('names what has nothing to say, leaves out what cannot be read, and tells of that', async () => {
  const failed: string[] = [];
  const metrics = createMetrics({
    families: [
      gauge('obraz_nothing', 'Nothing.', () => undefined),
      gauge('obraz_broken', 'Broken.', () => {
        throw new Error('broken');
      }),
      gauge('obraz_well', 'Well.', () => 1),
    ],
    onError: (_error, name) => failed.push(name),
  });
  await metrics.read();
  const text = await metrics.read();
  assert.doesNotMatch(text, /^obraz_nothing|obraz_broken/m);
  assert.match(text, /^# TYPE obraz_nothing gauge$/m);
  assert.match(text, /^obraz_well 1$/m);
  assert.match(text, /^obraz_metrics_failures_total [12]$/m);
  assert.deepEqual(failed, ['obraz_broken', 'obraz_broken']);
});

test('refuses two families of one name', () => {
  const family = gauge('obraz_x', 'X.', () => 1);
  assert.throws(() => createMetrics({ families: [family, family], onError() {} }), /one name/);
});
