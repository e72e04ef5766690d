import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { parse } from 'yaml';
import { openGrpcDoor } from '../fixtures/doors.ts';
import { startFileServer } from '../fixtures/file-server.ts';
import { finish } from '../fixtures/finish-operation.ts';
import { noise } from '../fixtures/guest.ts';
import { type Obraz, startObraz } from '../fixtures/obraz.ts';

/** What people are told to look at is what a started service shows. */

const opened = new AsyncDisposableStack();
let obraz: Obraz;
/** What Prometheus would read. */
let text: string;
/** Every name that a query can use: with what histograms are made of. */
let series: ReadonlySet<string>;
let families: readonly string[];

before(async () => {
  const files = opened.use(await startFileServer());
  obraz = opened.use(await startObraz({ flags: ['--metrics', '127.0.0.1:0'] }));
  const door = opened.use(openGrpcDoor(obraz));
  const uri = files.put('disk.raw', noise(1 << 20, 5));
  await finish(door, 'ImageService.Create', { folderId: obraz.folderId, uri });
  text = await (await fetch(`http://${obraz.endpoint}/metrics`)).text();
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => ({ name, type }));
  families = types.map(({ name }) => name);
  series = new Set(
    types.flatMap(({ name, type }) =>
      type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => `${name}${end}`) : [name],
    ),
  );
});
after(() => opened.disposeAsync());

const example = (path: string) => readFile(new URL(`../../examples/${path}`, import.meta.url), 'utf8');

/** Names of ours, and those that every process has, in a query or in prose. */
function namesIn(query: string): string[] {
  return query.match(/\b(obraz|process)_[a-z_]*[a-z]\b/g) ?? [];
}

function assertKnown(names: readonly string[], where: string): void {
  assert.ok(names.length > 0, where);
  for (const name of names) assert.ok(series.has(name), `${where}: no series ${name}`);
}

/** Every `expr` in it, however deep. */
function queriesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === 'expr' && typeof inner === 'string' ? [inner] : queriesIn(inner),
  );
}

test('is in the form that Prometheus reads, each series under the type that it was declared with', () => {
  let declared = '';
  for (const line of text.trimEnd().split('\n')) {
    const type = /^# TYPE (\S+) (gauge|counter|histogram)$/.exec(line);
    if (type !== null) declared = type[1] ?? '';
    if (line.startsWith('#')) {
      assert.match(line, /^# (HELP|TYPE) [a-z_]+ \S/);
      continue;
    }
    assert.match(line, /^[a-z_]+(\{([a-z_]+="[^"\\]*",?)+\})? (\+Inf|-?[\d.]+(e[+-]?\d+)?)$/);
    assert.ok(line.startsWith(declared), `${line} under ${declared}`);
  }
  assert.equal(new Set(families).size, families.length);
});

test('shows what was done', () => {
  const value = (name: string) =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${name} `))
        ?.split(' ')[1],
    );
  assert.equal(value('obraz_operation_ends_total{kind="image.create",result="done"}'), 1);
  assert.equal(value('obraz_import_bytes_total{kind="guest"}'), 1 << 20);
  assert.equal(value('obraz_store_imported_bytes_total{kind="new"}'), 1 << 20);
  assert.equal(value('obraz_images'), 1);
  assert.ok(
    value('obraz_calls_total{method="yandex.cloud.compute.v1.ImageService/Create",door="grpc",code="OK"}') >= 1,
  );
  assert.ok(value('obraz_transaction_seconds_count') > 0);
  assert.ok(value('process_resident_memory_bytes') > 1 << 20);
  assert.equal(value('obraz_metrics_failures_total'), 0);
});

test('the dashboard names what there is, and leaves nothing out', async () => {
  const names = queriesIn(JSON.parse(await example('grafana/obraz.json'))).flatMap(namesIn);
  assertKnown(names, 'examples/grafana/obraz.json');
  const shown = new Set(names);
  const missing = families.filter((name) => !shown.has(name) && !shown.has(`${name}_bucket`));
  assert.deepEqual(missing, []);
});

test('ten alerts name what there is, and docs/monitoring.md has them all', async () => {
  const { groups } = parse(await example('prometheus/alerts.yaml'));
  const page = await readFile(new URL('../../docs/monitoring.md', import.meta.url), 'utf8');
  assert.equal(groups[0].rules.length, 10);
  for (const { alert, expr, labels, annotations } of groups[0].rules) {
    if (alert !== 'ObrazDown') assertKnown(namesIn(expr), alert);
    assert.match(labels.severity, /^(page|ticket)$/);
    assert.ok(annotations.summary.length > 10, alert);
    assert.ok(page.includes(`\`${alert}\``), `${alert} is not in docs/monitoring.md`);
  }
  for (const name of page.match(/`(obraz|process)_[a-z_]+/g) ?? []) {
    const known = name.slice(1);
    assert.ok(series.has(known) || families.includes(known), `docs/monitoring.md: ${known}`);
  }
});

test('Prometheus is told paths and files that are there', async () => {
  const { rule_files: ruleFiles, scrape_configs: jobs } = parse(await example('prometheus/prometheus.yaml'));
  for (const file of ruleFiles) await example(`prometheus/${file}`);
  for (const job of jobs) assert.equal(job.metrics_path, '/metrics', job.job_name);
});
