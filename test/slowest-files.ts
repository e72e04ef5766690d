import { relative } from 'node:path';
import type { TestEvent } from 'node:test/reporters';

/** How many are named. */
const named = 15;

/** A reporter for Node's runner: which test files took longest, in seconds, once all are done. */
// biome-ignore lint/style/noDefaultExport: the runner takes a reporter by its module's default export
export default async function* slowestFiles(events: AsyncIterable<TestEvent>): AsyncIterable<string> {
  const files: { readonly file: string; readonly seconds: number }[] = [];
  for await (const { type, data } of events) {
    if (type !== 'test:summary' || data.file === undefined) continue;
    files.push({ file: relative(process.cwd(), data.file), seconds: data.duration_ms / 1000 });
  }
  const total = files.reduce((sum, { seconds }) => sum + seconds, 0);
  const lines = files
    .toSorted((a, b) => b.seconds - a.seconds)
    .slice(0, named)
    .map(({ file, seconds }) => `${seconds.toFixed(1).padStart(7)} s ${file}\n`);
  if (files.length > 1) yield `the slowest of ${files.length} files, of ${total.toFixed(0)} s:\n${lines.join('')}`;
}
