import assert from 'node:assert/strict';
import { copyFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { capture } from '../../fixtures/capture.ts';
import { temporaryDirectory } from '../../fixtures/obraz.ts';
import type { Stage } from '../run-story.ts';

/** A folder with the configuration and its state, in which Terraform is run. */
export interface Workspace extends AsyncDisposable {
  /** Runs Terraform, and returns what it printed; fails with that when Terraform does. */
  run(...args: readonly string[]): Promise<string>;
  /** Makes everything as the configuration says with these variables. */
  apply(variables: Variables): Promise<void>;
  /** Plans with these variables, and fails unless there is nothing to change. */
  expectNoChanges(variables: Variables): Promise<void>;
  /** What the state knows: the attributes of a resource or a data source by its address. */
  state(): Promise<(address: string) => Attributes>;
}

export type Variables = Readonly<Record<string, string>>;
export type Attributes = Readonly<Record<string, unknown>>;

/** Opens one for a service; the provider is a built one, which Terraform takes from where it is. */
export async function openWorkspace(stage: Stage, provider: string, as: 'token' | 'key' = 'token'): Promise<Workspace> {
  await using opening = new AsyncDisposableStack();
  const { path } = opening.use(await temporaryDirectory());
  await copyFile(join(import.meta.dirname, 'configuration', 'main.tf'), join(path, 'main.tf'));
  const settings = join(path, 'terraform.rc');
  const overrides = `dev_overrides {\n    "yandex-cloud/yandex" = ${JSON.stringify(dirname(provider))}\n  }`;
  await writeFile(settings, `provider_installation {\n  ${overrides}\n  direct {}\n}\n`);
  const story = stage.environment(as);
  const environment = {
    HOME: path,
    CHECKPOINT_DISABLE: '1',
    TF_CLI_CONFIG_FILE: settings,
    TF_IN_AUTOMATION: '1',
    TF_VAR_source_url: story.STORY_SOURCE ?? '',
    YC_ENDPOINT: story.STORY_ENDPOINT ?? '',
    YC_FOLDER_ID: story.STORY_FOLDER ?? '',
    YC_TOKEN: story.STORY_TOKEN ?? '',
    YC_SERVICE_ACCOUNT_KEY_FILE: story.STORY_KEY_FILE ?? '',
    SSL_CERT_FILE: story.STORY_CA ?? '',
  };
  const run = (...args: readonly string[]) => capture(['terraform', ...args], { cwd: path, environment });
  const flags = (variables: Variables) => Object.entries(variables).map(([name, value]) => `-var=${name}=${value}`);
  const owned = opening.move();
  return {
    run,
    async apply(variables) {
      await run('apply', '-no-color', '-input=false', '-auto-approve', ...flags(variables));
    },
    async expectNoChanges(variables) {
      // With this flag, 2 is the exit code of a plan that has changes.
      await run('plan', '-no-color', '-input=false', '-detailed-exitcode', ...flags(variables));
    },
    async state() {
      const state: State = JSON.parse(await run('show', '-json'));
      return (address) => {
        const found = state.values?.root_module.resources.find((resource) => resource.address === address);
        assert.ok(found !== undefined, `${address} is not in the state`);
        return found.values;
      };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** As much of `terraform show -json` as is read here. */
interface State {
  readonly values?: {
    readonly root_module: { readonly resources: readonly { readonly address: string; readonly values: Attributes }[] };
  };
}
