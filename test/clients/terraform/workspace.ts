import assert from 'node:assert/strict';
import { copyFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { capture } from '../../fixtures/capture.ts';
import { temporaryDirectory } from '../../fixtures/obraz.ts';

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

/** What Terraform is run with. */
export interface WorkspaceSettings {
  /** The folder of main.tf. */
  readonly configuration: string;
  /** The provider as main.tf names it, `yandex-cloud/yandex`, and the built one, which Terraform takes from where it is. */
  readonly source: string;
  readonly provider: string;
  /** Files beside main.tf, by their names. */
  readonly files?: Readonly<Record<string, string>>;
  /** What the provider and the configuration read. */
  readonly environment: Readonly<Record<string, string>>;
}

export async function openWorkspace(settings: WorkspaceSettings): Promise<Workspace> {
  await using opening = new AsyncDisposableStack();
  const { path } = opening.use(await temporaryDirectory());
  await copyFile(join(settings.configuration, 'main.tf'), join(path, 'main.tf'));
  for (const [name, text] of Object.entries(settings.files ?? {})) await writeFile(join(path, name), text);
  const rc = join(path, 'terraform.rc');
  const place = JSON.stringify(dirname(settings.provider));
  const overrides = `dev_overrides {\n    ${JSON.stringify(settings.source)} = ${place}\n  }`;
  await writeFile(rc, `provider_installation {\n  ${overrides}\n  direct {}\n}\n`);
  const own = { HOME: path, CHECKPOINT_DISABLE: '1', TF_CLI_CONFIG_FILE: rc, TF_IN_AUTOMATION: '1' };
  const environment = { ...own, ...settings.environment };
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
