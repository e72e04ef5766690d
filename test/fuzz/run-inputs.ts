import { temporaryFolder } from '../fixtures/qemu.ts';
import { seededRng } from '../fixtures/random-choice.ts';
import { type SparseFile, SparseSource } from '../fixtures/sparse-file.ts';
import { tryDisk, tryWrapped } from '../fixtures/try-disk.ts';
import { fuzzFormats, fuzzWrappers } from './fuzz-formats.ts';

/** Refusing a file must cost no more than 1 s of CPU and 64 MiB. These files are small: reading them must not either. */
const maxCpuMs = 1000;
const maxGrowthBytes = 64 * 2 ** 20;

/** No reader reads more at once: a log of VHDX, the longest, has 16 MiB. */
const maxReadBytes = 16 * 2 ** 20;

/** What makes an input again. */
export interface InputName {
  readonly format: string;
  readonly seed: number;
  readonly input: number;
}

/** The most that any input took of something, and which. */
export interface Worst {
  readonly value: number;
  readonly input: number;
}

/** What was found so far. */
export interface FuzzTotals {
  readonly inputs: number;
  /** How many files were read (`read FORMAT`), and refused, by the name of the check. */
  readonly outcomes: ReadonlyMap<string, number>;
  /** CPU time of making a file, and refusing or reading it, in milliseconds. */
  readonly cpuMs: Worst;
  /** What the largest memory of the process grew by, in bytes. What was free already is not in it. */
  readonly growthBytes: Worst;
}

/** An input that did what none may. */
export class InputFailed extends Error {
  readonly input: InputName;

  constructor(input: InputName, cause: unknown) {
    super(
      `${input.format}, seed ${input.seed}, input ${input.input}: ${cause instanceof Error ? cause.message : cause}`,
      {
        cause,
      },
    );
    this.name = 'InputFailed';
    this.input = input;
  }
}

/** Makes the file of an input, and the chance that decides how it is read. */
export function makeInput({ format, seed, input }: InputName): { file: SparseFile; rng: () => number } {
  const all = { ...fuzzFormats, ...fuzzWrappers };
  const mutate = all[format];
  if (mutate === undefined) throw new Error(`No format ${format}; there are ${Object.keys(all).join(', ')}.`);
  // Inputs of one run, and runs of neighbouring seeds, have nothing in common.
  const rng = seededRng(Math.imul(seed ^ 0x5bd1e995, 0x9e3779b1) + Math.imul(input + 1, 0x85ebca6b));
  return { file: mutate(rng), rng };
}

/**
 * Tries inputs from `first` on for as long as `goOn` says, one after the other. `onInput` is told before each.
 *
 * @throws InputFailed at the first that does what none may, or takes more than it may
 */
export async function runInputs(options: {
  readonly format: string;
  readonly seed: number;
  readonly first?: number;
  goOn(totals: FuzzTotals): boolean;
  onInput?(input: number): void;
}): Promise<FuzzTotals> {
  const { format, seed, first = 0, onInput } = options;
  const outcomes = new Map<string, number>();
  const totals = { inputs: 0, outcomes, cpuMs: none, growthBytes: none };
  await using folder = await temporaryFolder();
  let before = process.resourceUsage();
  while (options.goOn(totals)) {
    const name = { format, seed, input: first + totals.inputs };
    onInput?.(name.input);
    try {
      const outcome = await tryInput(name, folder.path('work'));
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      // Asked once for each input: it takes as long as a small file.
      const after = process.resourceUsage();
      const cost = { cpuMs: cpuMs(after) - cpuMs(before), growthBytes: (after.maxRSS - before.maxRSS) * 1024 };
      before = after;
      for (const what of ['cpuMs', 'growthBytes'] as const) {
        if (cost[what] > totals[what].value) totals[what] = { value: cost[what], input: name.input };
      }
      if (cost.cpuMs > maxCpuMs) throw new Error(`It took ${cost.cpuMs} ms of CPU.`);
      if (cost.growthBytes > maxGrowthBytes) throw new Error(`The process grew by ${cost.growthBytes} bytes.`);
    } catch (cause) {
      throw new InputFailed(name, cause);
    }
    totals.inputs++;
  }
  return totals;
}

const none: Worst = { value: 0, input: 0 };

async function tryInput(name: InputName, workPath: string): Promise<string> {
  const { file, rng } = makeInput(name);
  const source = new SparseSource(file);
  const form = name.format === 'raw-tar-gz' ? name.format : 'any';
  const isWrapped = name.format in fuzzWrappers;
  const outcome = isWrapped ? await tryWrapped(source, rng, { workPath, form }) : await tryDisk(source, rng);
  if (source.longestRead > maxReadBytes) throw new Error(`${source.longestRead} bytes were read at once.`);
  return outcome.kind === 'read' ? `read ${outcome.format}` : outcome.check;
}

function cpuMs({ userCPUTime, systemCPUTime }: NodeJS.ResourceUsage): number {
  return (userCPUTime + systemCPUTime) / 1000;
}
