import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ClientName, clients } from './clients.ts';
import { commandOf, type Prepared, whyMissing } from './prepared.ts';
import { inOrder, runStory, type Stage, setStage } from './run-story.ts';
import { type Step, stepNames } from './steps.ts';

/** What a client needs around it besides the service. */
export interface Surroundings {
  /** More flags of the service. */
  readonly flags?: readonly string[];
  /** Leads the client to the service where it can't be told; returns the variables that it reads. */
  lead?(stage: Stage): Promise<AsyncDisposable & { readonly variables: Readonly<Record<string, string>> }>;
}

/** Defines the tests of one client: its story with each kind of credentials does exactly the steps of clients.ts. */
export function testStory(name: ClientName, prepared: Prepared, { flags = [], lead }: Surroundings = {}): void {
  const { title, does } = clients[name];
  const ways: readonly ['token' | 'key', Step, Step][] = [
    ['token', 'iam-token', 'service-account-key'],
    ['key', 'service-account-key', 'iam-token'],
  ];
  for (const [credentials, own, other] of ways) {
    test(`${title}, with a ${credentials}`, { skip: whyMissing(prepared) }, async () => {
      await using opened = new AsyncDisposableStack();
      const stage = opened.use(await setStage({ flags }));
      const network = lead === undefined ? undefined : opened.use(await lead(stage));
      assert.ok(does.includes(own));
      const { STORY_CA = '', ...story } = stage.environment(credentials);
      // How programs in Go, and those with the gRPC library for Node, are told of a CA.
      const trust = { STORY_CA, SSL_CERT_FILE: STORY_CA, GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: STORY_CA };
      const did = await runStory(commandOf(prepared), { ...story, ...trust, ...network?.variables });
      assert.deepEqual(
        inOrder(did),
        stepNames.filter((step) => does.includes(step) && step !== other),
      );
    });
  }
}
