import { Histogram } from '../lib/histogram.ts';
import { command } from './transmission-numbers.ts';

/** Seconds: what is in memory takes 50 µs here, a flush of a slow disk a good part of a second. */
const latencyBounds = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];

/** A look at the clock takes 100 ns here, and a small read 9 µs: so many requests are not timed for one that is. */
const timedEvery = 8;

/** The requests of one kind since the start. */
export interface NbdCommandFigures {
  /** As in the protocol's text, in lower case: `read`, `write`, `write_zeroes` ... */
  readonly command: string;
  readonly succeeded: number;
  /** That were asked for by the requests that succeeded. */
  readonly bytes: number;
  /** Requests that were answered with an error of the device. */
  readonly failed: number;
  /** Requests that were answered with an error before anything was done. */
  readonly refused: number;
  /** Of some of the requests: from the last byte of the request until its reply is handed to the connection. */
  readonly seconds: Histogram;
}

type Counted = { -readonly [K in keyof NbdCommandFigures]: NbdCommandFigures[K] };

const commandNames: Readonly<Record<number, string>> = {
  [command.read]: 'read',
  [command.write]: 'write',
  [command.flush]: 'flush',
  [command.trim]: 'trim',
  [command.cache]: 'cache',
  [command.writeZeroes]: 'write_zeroes',
  [command.blockStatus]: 'block_status',
};

function countedAs(name: string): Counted {
  return { command: name, succeeded: 0, bytes: 0, failed: 0, refused: 0, seconds: new Histogram(latencyBounds) };
}

/** Counts the requests of all connections of a server. */
export class NbdFigures {
  /** By the command's number. */
  readonly #commands = Object.entries(commandNames).reduce<(Counted | undefined)[]>((all, [type, name]) => {
    all[Number(type)] = countedAs(name);
    return all;
  }, []);
  readonly #others = countedAs('unknown');
  #begun = 0;

  /** For `succeeded` and `failed`: when the request began, if it is one of those that are timed. */
  begin(): number | undefined {
    this.#begun += 1;
    return this.#begun % timedEvery === 0 ? performance.now() : undefined;
  }

  succeeded(request: { readonly type: number; readonly length: number }, begunAt: number | undefined): void {
    const counted = this.#of(request.type);
    counted.succeeded += 1;
    counted.bytes += request.length;
    if (begunAt !== undefined) counted.seconds.add((performance.now() - begunAt) / 1000);
  }

  failed(request: { readonly type: number }, begunAt: number | undefined): void {
    const counted = this.#of(request.type);
    counted.failed += 1;
    if (begunAt !== undefined) counted.seconds.add((performance.now() - begunAt) / 1000);
  }

  refused(request: { readonly type: number }): void {
    this.#of(request.type).refused += 1;
  }

  commands(): readonly NbdCommandFigures[] {
    return [...this.#commands.filter((counted) => counted !== undefined), this.#others];
  }

  #of(type: number): Counted {
    return this.#commands[type] ?? this.#others;
  }
}
