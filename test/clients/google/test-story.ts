import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandOf, type Prepared, whyMissing } from '../prepared.ts';
import { runStory } from '../run-story.ts';
import { type GoogleClientName, googleClients } from './clients.ts';
import { noGnuTar, setGoogleStage } from './stage.ts';
import { type GoogleStep, googleStepNames } from './steps.ts';

/** Defines the tests of one client: its story with each kind of credentials does exactly the steps of clients.ts. */
export function testGoogleStory(name: GoogleClientName, prepared: Prepared): void {
  const { title, does } = googleClients[name];
  const ways: readonly ['token' | 'key', GoogleStep, GoogleStep][] = [
    ['token', 'access-token', 'key-file'],
    ['key', 'key-file', 'access-token'],
  ];
  for (const [credentials, own, other] of ways) {
    test(`${title}, with a ${credentials}`, { skip: whyMissing(prepared) || noGnuTar }, async () => {
      await using stage = await setGoogleStage();
      assert.ok(does.includes(own));
      // How programs in Node and in Python are told of a CA.
      const trust = { NODE_EXTRA_CA_CERTS: stage.caPath, REQUESTS_CA_BUNDLE: stage.caPath };
      const did = await runStory(commandOf(prepared), { ...stage.environment(credentials), ...trust });
      const unknown = did.filter((step) => !googleStepNames.some((known) => known === step));
      assert.deepEqual(unknown, []);
      assert.deepEqual(
        googleStepNames.filter((step) => did.includes(step)),
        does.filter((step) => step !== other),
      );
    });
  }
}
