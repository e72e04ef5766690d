import type { Histogram } from '../lib/histogram.ts';

/** A label's name and its value: a word of ours, never a caller's text. */
export type Labels = Readonly<Record<string, string>>;

/** One number of a family, and what tells it from the others. */
export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
}

/** One distribution of a family. */
export interface HistogramSample {
  readonly labels?: Labels;
  readonly histogram: Histogram;
}

/**
 * What is known under one name. It is read when somebody asks, from where it is kept anyway: nothing is written down for
 * who may never come. A number alone is a family without labels; undefined is nothing to say.
 */
export type Family = FamilyHead &
  (
    | { readonly type: 'gauge' | 'counter'; read(): Samples | Promise<Samples> }
    | { readonly type: 'histogram'; read(): Iterable<HistogramSample> }
  );

export type Samples = number | undefined | Iterable<Sample>;

interface FamilyHead {
  /** `obraz_` or `process_`, then words, the unit, and `_total` for what only grows: Prometheus's own custom. */
  readonly name: string;
  /** What it is, in a line. */
  readonly help: string;
}

/** What goes up and down. */
export function gauge(name: string, help: string, read: () => Samples | Promise<Samples>): Family {
  return { name, help, type: 'gauge', read };
}

/** What only grows until the process ends. */
export function counter(name: string, help: string, read: () => Samples | Promise<Samples>): Family {
  return { name, help, type: 'counter', read };
}

/** How large values were: shown as so many at most as large as each bound, their number and their sum. */
export function histogram(name: string, help: string, read: () => Iterable<HistogramSample>): Family {
  return { name, help, type: 'histogram', read };
}

/** The entries of a record as samples that are told apart by one label. */
export function byLabel(label: string, values: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(values).map(([name, value]) => ({ labels: { [label]: name }, value }));
}
