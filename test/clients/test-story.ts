import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ClientName, clients } from './clients.ts';
import { commandOf, type Prepared, whyMissing } from './prepared.ts';
import { inOrder, runStory, setStage } from './run-story.ts';
import { type Step, stepNames } from './steps.ts';

/** Defines the tests of one client: its story with each kind of credentials does exactly the steps of clients.ts. */
export function testStory(name: ClientName, prepared: Prepared): void {
  const { title, does } = clients[name];
  const ways: readonly ['token' | 'key', Step, Step][] = [
    ['token', 'iam-token', 'service-account-key'],
    ['key', 'service-account-key', 'iam-token'],
  ];
  for (const [credentials, own, other] of ways) {
    test(`${title}, with a ${credentials}`, { skip: whyMissing(prepared) }, async () => {
      await using stage = await setStage();
      assert.ok(does.includes(own));
      const wanted = stepNames.filter((step) => does.includes(step) && step !== other);
      const environment = {
        ...stage.environment(credentials),
        // Version 2 of the Go SDK trusts the system's roots only; this is how Go is told of them.
        SSL_CERT_FILE: stage.environment(credentials).STORY_CA ?? '',
      };
      assert.deepEqual(inOrder(await runStory(commandOf(prepared), environment)), wanted);
    });
  }
}
