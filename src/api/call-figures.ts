import { methodNames } from '../access/method-rules.ts';
import type { StatusCode } from '../errors.ts';
import { Histogram } from '../lib/histogram.ts';

/** A call that is over. */
export interface EndedCall {
  /** The rpc's name, or the verb and the route of what is not an rpc, or whatever a caller asked for. */
  readonly method: string;
  readonly door: 'grpc' | 'rest';
  readonly code: 'OK' | StatusCode;
  readonly reason: string;
  readonly ms: number;
}

/** Seconds: a Get takes 1 ms here, a page of a long list 50, and a wait for an operation minutes. */
const latencyBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60];

/** What is known of the calls of one method through one door. */
export interface MethodFigures {
  readonly method: string;
  readonly door: 'grpc' | 'rest';
  /** How many ended with each code. */
  readonly codes: ReadonlyMap<string, number>;
  readonly seconds: Histogram;
}

interface Counted extends MethodFigures {
  readonly codes: Map<string, number>;
}

/** Reasons are ours, and few; should one ever be made of a caller's text, it does no harm beyond these. */
const maxReasons = 200;

/** For all that is no method of the API. */
const unknownMethod = 'unknown';

const knownMethods: ReadonlySet<string> = new Set(methodNames);

/**
 * Counts calls, for who looks after the service. The memory that it takes does not depend on what callers send: methods,
 * doors and codes are few, and a path that is no method's is not kept.
 */
export class CallFigures {
  readonly #methods = new Map<string, Counted>();
  readonly #reasons = new Map<string, number>();

  add({ method, door, code, reason, ms }: EndedCall): void {
    const counted = this.#of(nameOf(method), door);
    counted.seconds.add(ms / 1000);
    counted.codes.set(code, (counted.codes.get(code) ?? 0) + 1);
    if (reason === '') return;
    const known = this.#reasons.has(reason) || this.#reasons.size < maxReasons ? reason : 'OTHER';
    this.#reasons.set(known, (this.#reasons.get(known) ?? 0) + 1);
  }

  /** Those that were called since the start. */
  methods(): Iterable<MethodFigures> {
    return this.#methods.values();
  }

  /** How many calls failed for each reason. */
  reasons(): ReadonlyMap<string, number> {
    return this.#reasons;
  }

  #of(method: string, door: 'grpc' | 'rest'): Counted {
    const key = `${door} ${method}`;
    let counted = this.#methods.get(key);
    if (counted === undefined) {
      counted = { method, door, codes: new Map(), seconds: new Histogram(latencyBounds) };
      this.#methods.set(key, counted);
    }
    return counted;
  }
}

function nameOf(method: string): string {
  if (knownMethods.has(method)) return method;
  // Whoever may GET a route may ask for its head.
  const get = method.replace(/^HEAD /, 'GET ');
  return knownMethods.has(get) ? get : unknownMethod;
}
