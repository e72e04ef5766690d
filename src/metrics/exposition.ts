import type { Family, HistogramSample, Labels, Sample, Samples } from './family.ts';

/** What Prometheus reads: https://prometheus.io/docs/instrumenting/exposition_formats/, "Text-based format", 0.0.4. */
export const expositionType = 'text/plain; version=0.0.4; charset=utf-8';

export interface ExpositionOptions {
  /** A family could not be read; the others are told all the same. */
  onError(error: unknown, name: string): void;
}

/** All families as text, in their order, also those with nothing to tell yet. One that cannot be read is left out. */
export async function expose(families: readonly Family[], { onError }: ExpositionOptions): Promise<string> {
  const texts = await Promise.all(
    families.map(async (family) => {
      try {
        return await exposeFamily(family);
      } catch (error) {
        onError(error, family.name);
        return '';
      }
    }),
  );
  return texts.join('');
}

async function exposeFamily(family: Family): Promise<string> {
  const { name, help, type } = family;
  const lines =
    family.type === 'histogram'
      ? Array.from(family.read(), (sample) => histogramLines(name, sample)).flat()
      : samplesOf(await family.read()).map(({ labels, value }) => line(name, labels, value));
  return `${[`# HELP ${name} ${escapeHelp(help)}`, `# TYPE ${name} ${type}`, ...lines].join('\n')}\n`;
}

function samplesOf(read: Samples): Sample[] {
  if (read === undefined) return [];
  return typeof read === 'number' ? [{ value: read }] : [...read];
}

function histogramLines(name: string, { labels, histogram }: HistogramSample): string[] {
  const atMost = histogram.atMost();
  return [
    ...histogram.bounds.map((bound, place) =>
      line(`${name}_bucket`, { ...labels, le: String(bound) }, atMost[place] ?? 0),
    ),
    line(`${name}_bucket`, { ...labels, le: '+Inf' }, histogram.count),
    line(`${name}_sum`, labels, histogram.sum),
    line(`${name}_count`, labels, histogram.count),
  ];
}

function line(name: string, labels: Labels | undefined, value: number): string {
  const told = Object.entries(labels ?? {}).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
  return `${name}${told.length === 0 ? '' : `{${told.join(',')}}`} ${formatValue(value)}`;
}

/** The format has Go's words for what is no number. */
function formatValue(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}
