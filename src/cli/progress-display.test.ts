import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import test from 'node:test';
import { createProgressDisplay, describeBytes, formatDuration } from './progress-display.ts';

const gib = 2 ** 30;

/** All that was written so far. */
function text(stream: PassThrough): string {
  const chunks: Buffer[] = [];
  for (let chunk = stream.read(); chunk !== null; chunk = stream.read()) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

test('says how far, how fast and how long, as far as it is known', () => {
  const phase = 'importing';
  assert.equal(describeBytes({ phase, doneBytes: 0, totalBytes: 0, bytesPerSecond: 0 }), '');
  assert.equal(describeBytes({ phase, doneBytes: gib, totalBytes: 0, bytesPerSecond: 5 }), '1 GB');
  assert.equal(describeBytes({ phase, doneBytes: gib, totalBytes: 4 * gib, bytesPerSecond: 0 }), '1 GB / 4 GB');
  assert.equal(
    describeBytes({ phase, doneBytes: gib, totalBytes: 4 * gib, bytesPerSecond: gib / 4 }),
    '1 GB / 4 GB, 256 MB/s, 12 s left',
  );
});

test('writes durations for people', () => {
  assert.deepEqual([0.4, 59, 61, 3600, 7500].map(formatDuration), [
    '0 s',
    '59 s',
    '1 min 1 s',
    '1 h 0 min',
    '2 h 5 min',
  ]);
});

test('writes a line per phase where a program reads, and no control characters', () => {
  const err = new PassThrough();
  {
    using display = createProgressDisplay({ out: err, err });
    for (let doneBytes = 0; doneBytes < 100; doneBytes++) {
      display.show({ phase: 'spooling', doneBytes, totalBytes: 100, bytesPerSecond: 0 });
    }
    display.show({ phase: 'importing', doneBytes: 50, totalBytes: 100, bytesPerSecond: 0 });
  }
  assert.equal(text(err), 'spooling 0 B / 100 B\nimporting 50 B / 100 B\n');
});

test('draws a bar on a terminal and leaves nothing of it behind', () => {
  const err = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
  {
    using display = createProgressDisplay({ out: err, err });
    display.show({ phase: 'opening', doneBytes: 0, totalBytes: 0, bytesPerSecond: 0 });
    display.show({ phase: 'importing', doneBytes: 50, totalBytes: 100, bytesPerSecond: 10 });
  }
  const drawn = text(err);
  assert.match(drawn, /opening/);
  assert.ok(!drawn.includes('NaN'));
});
