import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { qemuImg } from '../../fixtures/qemu.ts';
import { type Comparison, isAgreed } from './compare-with-qemu.ts';
import type { KnownDifference, KnownDifferences } from './known-difference.ts';
import { otherDifferences } from './other-differences.ts';
import { qcow2Differences } from './qcow2-differences.ts';
import { vdiDifferences } from './vdi-differences.ts';
import { vhdDifferences } from './vhd-differences.ts';
import { vhdxDifferences } from './vhdx-differences.ts';
import { vmdkDifferences } from './vmdk-differences.ts';

const file = new URL('../expected-differences.yaml', import.meta.url);

const outcomes = ['other-bytes', 'only-qemu-img', 'only-obraz'] as const;

/** An entry of expected-differences.yaml, which says what each field is, with its maker. */
export interface ExpectedDifference extends KnownDifference {
  readonly id: string;
  readonly outcome: (typeof outcomes)[number];
  /** The check by which our reader refuses the file; undefined where it reads it. */
  readonly check: string | undefined;
  /** The first version of qemu-img that agrees with us, if there is one. */
  readonly until: string | undefined;
}

const makers: KnownDifferences = {
  ...vhdDifferences,
  ...vhdxDifferences,
  ...qcow2Differences,
  ...vmdkDifferences,
  ...vdiDifferences,
  ...otherDifferences,
};

/** Reads the list, and holds it to its own rules: every field is there, and every entry has a maker of its id. */
export function loadExpectedDifferences(): readonly ExpectedDifference[] {
  const parsed: unknown = parse(readFileSync(file, 'utf8'));
  const listed = fieldOf(parsed, 'differences');
  assert.ok(Array.isArray(listed), 'The list has differences.');
  const differences = listed.map(readEntry);
  const ids = differences.map(({ id }) => id);
  assert.deepEqual(
    ids.toSorted(),
    Object.keys(makers).toSorted(),
    'Every entry has one maker, and every maker an entry.',
  );
  return differences;
}

function readEntry(entry: unknown): ExpectedDifference {
  const id = textOf(entry, 'id');
  for (const field of ['input', 'qemu-img', 'obraz', 'right', 'source']) textOf(entry, field);
  const outcome = outcomes.find((each) => each === fieldOf(entry, 'outcome'));
  const maker = makers[id];
  assert.ok(maker !== undefined, `${id} has a maker.`);
  assert.ok(outcome !== undefined, `The outcome of ${id} is one of ${outcomes.join(', ')}.`);
  const check = fieldOf(entry, 'check') === undefined ? undefined : textOf(entry, 'check');
  assert.equal(check !== undefined, outcome === 'only-qemu-img', `${id} has a check if Obraz refuses it.`);
  const until = fieldOf(entry, 'until') === undefined ? undefined : textOf(entry, 'until');
  return { ...maker, id, outcome, check, until };
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined;
}

function textOf(entry: unknown, field: string): string {
  const value = fieldOf(entry, field);
  assert.ok(typeof value === 'string' && value !== '', `An entry has a text for ${field}: ${JSON.stringify(entry)}`);
  return value;
}

/** The version of qemu-img on this machine, as three numbers. */
export async function qemuVersion(): Promise<readonly number[]> {
  const numbers = /version (\d+)\.(\d+)\.(\d+)/.exec(await qemuImg('--version'));
  assert.ok(numbers !== null, 'qemu-img says its version.');
  return numbers.slice(1).map(Number);
}

/** Whether a version of qemu-img still has a difference. */
export function isDifferenceOf({ until }: Pick<ExpectedDifference, 'until'>, version: readonly number[]): boolean {
  if (until === undefined) return true;
  const fixed = until.split('.').map(Number);
  const index = fixed.findIndex((number, i) => number !== version[i]);
  return index !== -1 && (version[index] ?? 0) < (fixed[index] ?? 0);
}

/**
 * Explains a comparison by the differences that are listed, one after the other, and returns their ids; an agreement needs
 * none. Undefined where something is left that no entry explains.
 */
export async function explain(
  comparison: Comparison,
  differences: readonly ExpectedDifference[],
): Promise<string[] | undefined> {
  const ids: string[] = [];
  let rest = comparison;
  while (!isAgreed(rest)) {
    const { ours } = rest;
    if (ours.kind !== 'read') return undefined;
    const disagreement = { ...rest, ours };
    const found = differences.find(({ id, recognises }) => !ids.includes(id) && recognises?.(disagreement) === true);
    if (found === undefined) return undefined;
    ids.push(found.id);
    if (found.setAside === undefined) return ids;
    rest = { ...rest, theirs: await found.setAside(disagreement) };
  }
  return ids;
}
