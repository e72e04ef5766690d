import { relative } from 'node:path';
import type { TestEvent } from 'node:test/reporters';

/** How many slow files are named. */
const named = 15;

/**
 * A reporter for Node's runner, of what is known once all is done: which test files took longest; how many tests were
 * skipped because they are about what is not there on what the run is on (onlyLocal in test/fixtures/run-servers.ts); and
 * how many because the machine lacks something. A suite that is skipped counts as one.
 */
// biome-ignore lint/style/noDefaultExport: the runner takes a reporter by its module's default export
export default async function* closingLines(events: AsyncIterable<TestEvent>): AsyncIterable<string> {
  const files: { readonly file: string; readonly seconds: number }[] = [];
  const elsewhere = new Map<string, number>();
  let missing = 0;
  for await (const { type, data } of events) {
    if (type === 'test:summary' && data.file !== undefined) {
      files.push({ file: relative(process.cwd(), data.file), seconds: data.duration_ms / 1000 });
    }
    if (type !== 'test:pass' || data.skip === undefined || data.skip === false) continue;
    const reason = String(data.skip);
    if (/^not on \S+: /.test(reason)) elsewhere.set(reason, (elsewhere.get(reason) ?? 0) + 1);
    else missing += 1;
  }
  yield* files.length > 1 ? slowest(files) : [];
  for (const [reason, count] of elsewhere) yield `${count} ${reason}\n`;
  yield `skipped for what is missing: ${missing}\n`;
}

function* slowest(files: readonly { readonly file: string; readonly seconds: number }[]): Iterable<string> {
  const total = files.reduce((sum, { seconds }) => sum + seconds, 0);
  yield `the slowest of ${files.length} files, of ${total.toFixed(0)} s:\n`;
  for (const { file, seconds } of files.toSorted((a, b) => b.seconds - a.seconds).slice(0, named)) {
    yield `${seconds.toFixed(1).padStart(7)} s ${file}\n`;
  }
}
