import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { clients } from '../clients/clients.ts';
import { stepNames, steps } from '../clients/steps.ts';
import { results } from '../clients/terraform/acceptance/results.ts';
import { leftOut } from '../contract/api-differences.ts';
import { describeApi } from '../contract/describe-api.ts';
import { servedTypes } from '../contract/served-types.ts';

const here = import.meta.dirname;

/** docs/compatibility.md: its words are in page.md, its tables are of what the tests hold to be true. */
export async function compatibilityPage(): Promise<string> {
  const words = await readFile(join(here, 'page.md'), 'utf8');
  const tables: Readonly<Record<string, string>> = {
    clients: clientTable(),
    notes: Object.values(clients)
      .map(({ title, notes }) => `- **${title}.** ${notes}`)
      .join('\n'),
    methods: await methodTable(),
    fields: fieldTable(),
    terraform: terraformTable(),
  };
  return words.replaceAll(/^\{(\w+)\}$/gm, (_, name: string) => {
    const table = tables[name];
    if (table === undefined) throw new Error(`page.md: there is no table "${name}"`);
    return table;
  });
}

function clientTable(): string {
  const columns = Object.values(clients);
  const rows = stepNames.map((step) => {
    const cells = columns.map(({ does }) => (does.includes(step) ? 'yes' : '-'));
    return [`${step.replaceAll('-', ' ')}: ${steps[step]}`, ...cells];
  });
  return markdownTable(['', ...columns.map(({ title }) => title)], rows);
}

async function methodTable(): Promise<string> {
  const published = (await readFile(join(here, '..', 'contract', 'public-api.txt'), 'utf8')).trimEnd().split('\n');
  const served = new Set((await servedTypes()).flatMap((type) => (type.kind === 'service' ? describeApi(type) : [])));
  const methods = published.filter((line) => line.includes(' > '));
  const rows = methods.map((line) => {
    const [name = ''] = line.split(' ');
    const route = /, (no route|[A-Z]+ [^ ,]+)/.exec(line)?.[1] ?? '';
    const state = served.has(line) ? 'served' : `not served: ${leftOut[name] ?? ''}`;
    return [name.replace('yandex.cloud.', ''), route === 'no route' ? '-' : `\`${route}\``, state];
  });
  return markdownTable(['method', 'REST', ''], rows);
}

function fieldTable(): string {
  const fields = Object.entries(leftOut).filter(([name]) => !name.includes('Service.'));
  return markdownTable(
    ['field', 'why'],
    fields.map(([name, why]) => [name.replace('yandex.cloud.', ''), why]),
  );
}

function terraformTable(): string {
  const rows = Object.entries(results).map(([name, result]) => [
    name,
    'why' in result ? `${result.ends}: ${result.why}` : 'passes',
  ]);
  return markdownTable(['test', ''], rows);
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
