import { Histogram } from '../lib/histogram.ts';
import { command } from './transmission-numbers.ts';

/** Seconds: what is in memory takes 50 µs here, a flush of a slow disk a good part of a second. */
const latencyBounds = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];

/** The requests of one kind since the start. */
export interface NbdCommandFigures {
  /** As in the protocol's text, in lower case: `read`, `write`, `write_zeroes` ... */
  readonly command: string;
  /** From the last byte of the request until its reply is handed to the connection. */
  readonly seconds: Histogram;
  /** That were asked for by the requests that succeeded. */
  readonly bytes: number;
  /** Requests that were answered with an error of the device. */
  readonly failed: number;
  /** Requests that were answered with an error before anything was done. */
  readonly refused: number;
}

const commandNames: ReadonlyMap<number, string> = new Map([
  [command.read, 'read'],
  [command.write, 'write'],
  [command.flush, 'flush'],
  [command.trim, 'trim'],
  [command.cache, 'cache'],
  [command.writeZeroes, 'write_zeroes'],
  [command.blockStatus, 'block_status'],
]);

interface Counted extends NbdCommandFigures {
  bytes: number;
  failed: number;
  refused: number;
}

function countedAs(name: string): Counted {
  return { command: name, seconds: new Histogram(latencyBounds), bytes: 0, failed: 0, refused: 0 };
}

/** Counts the requests of all connections of a server. */
export class NbdFigures {
  readonly #commands = new Map([...commandNames].map(([type, name]) => [type, countedAs(name)] as const));
  readonly #others = countedAs('unknown');

  succeeded(request: { readonly type: number; readonly length: number }, ms: number): void {
    const counted = this.#of(request.type);
    counted.seconds.add(ms / 1000);
    counted.bytes += request.length;
  }

  failed(request: { readonly type: number }, ms: number): void {
    const counted = this.#of(request.type);
    counted.seconds.add(ms / 1000);
    counted.failed += 1;
  }

  refused(request: { readonly type: number }): void {
    this.#of(request.type).refused += 1;
  }

  commands(): readonly NbdCommandFigures[] {
    return [...this.#commands.values(), this.#others];
  }

  #of(type: number): Counted {
    return this.#commands.get(type) ?? this.#others;
  }
}
