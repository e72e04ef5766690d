import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../../fixtures/obraz.ts';
import { type GoogleStage, noGnuTar, setGoogleStage } from '../google/stage.ts';
import { prepareGcloud, whyMissing } from '../prepared.ts';
import { type Exchange, masked, readTranscript, writeTranscript } from './transcript.ts';

const prepared = await prepareGcloud();

/**
 * Defines a test: what gcloud prints, against a started service, is what a transcript of this folder has. After a change that is
 * meant, `OBRAZ_TEST_WRITE=1` writes it anew; the difference is what to look at.
 */
export function testTranscript(name: string, as: 'token' | 'key'): void {
  test(`gcloud does what ${name}.txt tells, with a ${as}`, { skip: whyMissing(prepared) || noGnuTar }, async () => {
    await using stage = await setGoogleStage();
    await using folder = await temporaryDirectory();
    const environment = await settings(stage, folder.path, as);
    const path = join(import.meta.dirname, `${name}.txt`);
    const expected = readTranscript(await readFile(path, 'utf8'));
    const actual: Exchange[] = [];
    const [account = ''] = stage.serviceAccount.split('@', 1);
    const known = {
      SERVICE_ACCOUNT: stage.serviceAccount,
      ACCOUNT: account,
      ADMINISTRATOR: stage.administratorId,
      PROJECT: stage.obraz.folderId,
      ENDPOINT: stage.environment(as).STORY_ENDPOINT ?? '',
      OBJECT_STORE: stage.files.origin,
      FOLDER: folder.path,
    };
    for (const exchange of expected) {
      const printed = await shell(exchange.command, { cwd: folder.path, environment });
      actual.push({ ...exchange, answer: masked(printed, known) });
    }
    if (process.env.OBRAZ_TEST_WRITE === '1') await writeFile(path, writeTranscript(actual));
    else assert.equal(writeTranscript(actual), writeTranscript(expected));
  });
}

/** All that gcloud is told: nothing of the user's own configuration, and nothing that it would ask the network for. */
async function settings(stage: GoogleStage, folder: string, as: 'token' | 'key') {
  const story = stage.environment(as);
  const tokenPath = join(folder, 'token');
  await writeFile(tokenPath, stage.obraz.token);
  const identity: Readonly<Record<string, string>> =
    as === 'token' ? { CLOUDSDK_AUTH_ACCESS_TOKEN_FILE: tokenPath } : { KEY_FILE: stage.keyPath };
  return {
    CLOUDSDK_CONFIG: join(folder, 'gcloud'),
    CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE: `https://${story.STORY_ENDPOINT}/compute/v1/`,
    CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE: `https://${story.STORY_ENDPOINT}/storage/v1/`,
    CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE: stage.caPath,
    CLOUDSDK_CORE_PROJECT: stage.obraz.folderId,
    CLOUDSDK_COMPUTE_ZONE: story.STORY_ZONE ?? '',
    CLOUDSDK_CORE_DISABLE_PROMPTS: '1',
    CLOUDSDK_CORE_DISABLE_USAGE_REPORTING: '1',
    CLOUDSDK_CORE_CHECK_GCE_METADATA: '0',
    CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK: '1',
    ...identity,
  };
}

/** What a command printed, on both streams as it came, and its exit code where that is not 0. */
async function shell(
  command: string,
  { cwd, environment }: { readonly cwd: string; readonly environment: Readonly<Record<string, string>> },
): Promise<string> {
  const { PATH, HOME } = process.env;
  const child = spawn('sh', ['-c', `{ ${command}\n} 2>&1`], {
    cwd,
    env: { PATH, HOME, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 60_000,
  });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  await once(child, 'close');
  return child.exitCode === 0 ? printed : `${printed.trimEnd()}\n[${child.exitCode}]`;
}
