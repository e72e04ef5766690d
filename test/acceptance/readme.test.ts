import assert from 'node:assert/strict';
import { test } from 'node:test';
import { capture } from '../fixtures/capture.ts';
import { openTour } from '../fixtures/readme.ts';

test('the tour of README.md does what it says', async () => {
  await using tour = await openTour();
  // grpcurl's example is test/clients/go/grpcurl.test.ts.
  const script = tour.script((example) => !example.startsWith('grpcurl'));
  const printed = await capture(['bash', '-c', script], { cwd: tour.path, timeoutMs: 240_000 });
  assert.match(printed, /^the same bytes$/m);
  assert.match(printed, /"family":\s*"tour"/, 'the list over REST');
  assert.match(printed, /^tour-2 fd8\w{17} \d+ bytes stored$/m, 'what the SDK printed');
});
