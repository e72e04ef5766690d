import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Client, clients } from '../clients/clients.ts';
import { gcloudCommands } from '../clients/gcloud/commands.ts';
import { readTranscript } from '../clients/gcloud/transcript.ts';
import { googleClients } from '../clients/google/clients.ts';
import { googleStepNames, googleSteps } from '../clients/google/steps.ts';
import { results as googleResults } from '../clients/google-terraform/acceptance/results.ts';
import { stepNames, steps } from '../clients/steps.ts';
import { results } from '../clients/terraform/acceptance/results.ts';
import { leftOut } from '../contract/api-differences.ts';
import { leftOutOfCompute } from '../contract/compute-api-differences.ts';
import { describeApi } from '../contract/describe-api.ts';
import { servedTypes } from '../contract/served-types.ts';

const here = import.meta.dirname;

/** A public API: what the tests hold ours to. */
interface PublicApi {
  readonly api: 'yandex' | 'compute';
  /** Of test/contract. */
  readonly table: string;
  readonly leftOut: Readonly<Record<string, string>>;
  /** What all its names begin with. */
  readonly prefix: string;
}

const yandex: PublicApi = { api: 'yandex', table: 'public-api.txt', leftOut, prefix: 'yandex.cloud.' };
const compute: PublicApi = {
  api: 'compute',
  table: 'public-compute-api.txt',
  leftOut: leftOutOfCompute,
  prefix: 'google.cloud.compute.v1.',
};

/** docs/compatibility.md: its words are in page.md, its tables are of what the tests hold to be true. */
export async function compatibilityPage(): Promise<string> {
  const words = await readFile(join(here, 'page.md'), 'utf8');
  const tables: Readonly<Record<string, string>> = {
    clients: clientTable(clients, stepNames, steps),
    notes: clientNotes(clients),
    methods: await methodTable(yandex),
    fields: fieldTable(yandex),
    terraform: terraformTable(results),
    googleClients: clientTable(googleClients, googleStepNames, googleSteps),
    googleNotes: clientNotes(googleClients),
    gcloud: await gcloudTable(),
    googleTerraform: terraformTable(googleResults),
    googleMethods: await methodTable(compute),
    googleFields: fieldTable(compute),
  };
  return words.replaceAll(/^\{(\w+)\}$/gm, (_, name: string) => {
    const table = tables[name];
    if (table === undefined) throw new Error(`page.md: there is no table "${name}"`);
    return table;
  });
}

function clientTable<Step extends string>(
  tested: Readonly<Record<string, Client<Step>>>,
  names: readonly Step[],
  meanings: Readonly<Record<Step, string>>,
): string {
  const columns = Object.values(tested);
  const rows = names.map((step) => {
    const cells = columns.map(({ does }) => (does.includes(step) ? 'yes' : '-'));
    return [`${step.replaceAll('-', ' ')}: ${meanings[step]}`, ...cells];
  });
  return markdownTable(['', ...columns.map(({ title }) => title)], rows);
}

function clientNotes(tested: Readonly<Record<string, Client<string>>>): string {
  return Object.values(tested)
    .map(({ title, notes }) => `- **${title}.** ${notes}`)
    .join('\n');
}

async function gcloudTable(): Promise<string> {
  const folder = join(here, '..', 'clients', 'gcloud');
  const texts = await Promise.all(
    globSync('*.txt', { cwd: folder }).map((name) => readFile(join(folder, name), 'utf8')),
  );
  const commands = gcloudCommands(texts.flatMap(readTranscript).map(({ command }) => command));
  return markdownTable(
    ['command', 'with'],
    commands.map(({ name, flags }) => [`\`${name}\``, flags.map((flag) => `\`${flag}\``).join(', ')]),
  );
}

async function methodTable({ api, table, leftOut: reasons, prefix }: PublicApi): Promise<string> {
  const published = (await readFile(join(here, '..', 'contract', table), 'utf8')).trimEnd().split('\n');
  const types = await servedTypes(api);
  const served = new Set(types.flatMap((type) => (type.kind === 'service' ? describeApi(type) : [])));
  const methods = published.filter((line) => line.includes(' > '));
  const rows = methods.map((line) => {
    const [name = ''] = line.split(' ');
    const route = /, (no route|[A-Z]+ [^ ,]+)/.exec(line)?.[1] ?? '';
    const state = served.has(line) ? 'served' : `not served: ${reasons[name] ?? ''}`;
    return [name.replace(prefix, ''), route === 'no route' ? '-' : `\`${route}\``, state];
  });
  return markdownTable(['method', 'REST', ''], rows);
}

/** Methods are in the table of those. */
function fieldTable({ leftOut: reasons, prefix }: PublicApi): string {
  const fields = Object.entries(reasons)
    .map(([name, why]): [string, string] => [name.replace(prefix, ''), why])
    .filter(([name]) => !isMethod(name));
  return markdownTable(['field', 'why'], fields);
}

/** `Key 9 last_used_at` and the like are fields, and so are messages of which all are left out. */
const isMethod = (name: string) => !name.includes(' ') && /(?:Service|s)\.[A-Z]\w+$/.test(name);

/** How the tests of a provider's own suite end. */
function terraformTable(ends: Readonly<Record<string, { readonly ends: string; readonly why?: string }>>): string {
  const rows = Object.entries(ends).map(([name, result]) => [
    name,
    result.why === undefined ? 'passes' : `${result.ends}: ${result.why}`,
  ]);
  return markdownTable(['test', ''], rows);
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
