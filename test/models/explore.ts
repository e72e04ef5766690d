import { Names } from './names.ts';
import { NumberList } from './number-list.ts';

/** One thing that can happen, and what is the case after it. */
export interface Step<State> {
  /** For people: who does what. */
  readonly name: string;
  readonly next: State;
  /** It goes wrong, or somebody asks for it: nothing that must happen may wait for this. */
  readonly isFault?: boolean;
}

/** What a state is made of. Two states are one when their parts are: plain data, with the keys of objects in the same order. */
export interface Parts {
  readonly inOrder: readonly unknown[];
  /** Parts that differ in nothing but what they are called: states with the same ones in another order are one. */
  readonly alike?: readonly object[];
}

/**
 * A system as all that can be the case and all that can happen next. States are never changed once made.
 */
export interface Model<State> {
  readonly initial: State;
  steps(state: State): IteratorObject<Step<State>>;
  /** By what they say: what is the case in every state. */
  readonly always: Readonly<Record<string, (state: State) => boolean>>;
  /** By what they say: what no step may do. */
  readonly everyStep?: Readonly<Record<string, (before: State, after: State) => boolean>>;
  /** By what they say: what can be reached from every state without a fault. */
  readonly inTheEnd?: Readonly<Record<string, (state: State) => boolean>>;
  /** A state in which nothing need happen any more. Any other state without a step is a deadlock. */
  isFinal(state: State): boolean;
  parts(state: State): Parts;
}

/** What does not hold, and the shortest way there. */
export interface Counterexample<State> {
  readonly broken: string;
  readonly trace: readonly string[];
  readonly state: State;
}

export interface Explored<State> {
  readonly states: number;
  readonly steps: number;
  /** Steps from the beginning to the state that is farthest from it. */
  readonly depth: number;
  /** Undefined when all holds in all states. */
  readonly counterexample: Counterexample<State> | undefined;
}

/** There are more states than were allowed for: nothing is said of the rest. */
export class TooManyStates extends Error {
  constructor(limit: number) {
    super(`the model has more than ${limit} states; make it smaller, or allow for more (OBRAZ_MODEL_STATES)`);
    this.name = 'TooManyStates';
  }
}

/** About 100 bytes each, and 8 for each step. A Map can hold 16 million. */
const defaultMaxStates = 2_000_000;

/**
 * Visits every state that can be reached, nearest first, and stops at the first thing that does not hold. Of a state that
 * is behind only a number and the names of its parts are kept.
 */
export function explore<State>(
  model: Model<State>,
  { maxStates = defaultMaxStates }: { readonly maxStates?: number } = {},
): Explored<State> {
  return new Exploration(model, maxStates).run();
}

class Exploration<State> {
  readonly #model: Model<State>;
  readonly #maxStates: number;
  readonly #always: readonly [string, (state: State) => boolean][];
  readonly #everyStep: readonly [string, (before: State, after: State) => boolean][];
  readonly #names = new Names();
  readonly #numbers = new Map<string, number>();
  /** By number of a state: of the one that it was first reached from. */
  readonly #parents = new NumberList();
  /** Steps that are no faults, by the numbers of their two ends. */
  readonly #from = new NumberList();
  readonly #to = new NumberList();
  /** By goal: the states in which it is reached. */
  readonly #reached: Map<string, NumberList>;
  #steps = 0;

  constructor(model: Model<State>, maxStates: number) {
    this.#model = model;
    this.#maxStates = maxStates;
    this.#always = Object.entries(model.always);
    this.#everyStep = Object.entries(model.everyStep ?? {});
    this.#reached = new Map(Object.keys(model.inTheEnd ?? {}).map((goal) => [goal, new NumberList()]));
  }

  run(): Explored<State> {
    const { initial } = this.#model;
    this.#add(this.#keyOf(initial), 0);
    let depth = 0;
    const broken = this.#look(initial, 0);
    if (broken !== undefined) return this.#end(depth, broken, 0);
    for (let level = [initial], first = 0; level.length > 0; depth += 1) {
      const next: State[] = [];
      const firstOfNext = first + level.length;
      for (const [index, state] of level.entries()) {
        const broken = this.#follow(state, first + index, next);
        if (broken !== undefined) return this.#end(depth + 1, broken.what, broken.at);
      }
      if (next.length === 0) break;
      level = next;
      first = firstOfNext;
    }
    return this.#checkGoals(depth);
  }

  /** Takes every step out of a state, and adds the states that are new to `found`. */
  #follow(state: State, number: number, found: State[]): { what: string; at: number } | undefined {
    let isStuck = true;
    for (const step of this.#model.steps(state)) {
      isStuck = false;
      this.#steps += 1;
      const { next } = step;
      const key = this.#keyOf(next);
      const known = this.#numbers.get(key);
      const at = known ?? this.#add(key, number);
      if (step.isFault !== true && this.#reached.size > 0 && at !== number) {
        this.#from.push(number);
        this.#to.push(at);
      }
      for (const [what, holds] of this.#everyStep) {
        // The step itself, which need not be the first that led there.
        if (!holds(state, next)) return { what, at: number };
      }
      if (known !== undefined) continue;
      const what = this.#look(next, at);
      if (what !== undefined) return { what, at };
      found.push(next);
    }
    if (isStuck && !this.#model.isFinal(state)) return { what: 'something can happen until all is over', at: number };
    return undefined;
  }

  /** Says what does not hold in a new state. */
  #look(state: State, number: number): string | undefined {
    for (const [what, holds] of this.#always) if (!holds(state)) return what;
    for (const [goal, reached] of this.#reached) if (this.#model.inTheEnd?.[goal]?.(state)) reached.push(number);
    return undefined;
  }

  #add(key: string, parent: number): number {
    const number = this.#numbers.size;
    if (number >= this.#maxStates) throw new TooManyStates(this.#maxStates);
    this.#numbers.set(key, number);
    this.#parents.push(parent);
    return number;
  }

  #keyOf(state: State): string {
    const { inOrder, alike = [] } = this.#model.parts(state);
    const names = inOrder.map((part) => this.#names.of(part));
    const others = alike.map((part) => this.#names.of(part)).sort((a, b) => a - b);
    return [...names, ...others].join();
  }

  /** Goes backwards from where a goal is reached, by steps that are no faults: what is not met cannot reach it. */
  #checkGoals(depth: number): Explored<State> {
    for (const [goal, reached] of this.#reached) {
      const lost = this.#firstWithout(reached);
      if (lost !== undefined) return this.#end(depth, goal, lost);
    }
    return this.#end(depth);
  }

  #firstWithout(reached: NumberList): number | undefined {
    const size = this.#numbers.size;
    // The steps that lead to each state, one list behind the other.
    const starts = new Uint32Array(size + 1);
    for (const to of this.#to.values()) starts[to + 1] = (starts[to + 1] ?? 0) + 1;
    for (let number = 0; number < size; number += 1) {
      starts[number + 1] = (starts[number + 1] ?? 0) + (starts[number] ?? 0);
    }
    const places = starts.slice();
    const sources = new Uint32Array(this.#from.length);
    const from = this.#from.values();
    for (const [index, to] of this.#to.values().entries()) {
      const place = places[to] ?? 0;
      sources[place] = from[index] ?? 0;
      places[to] = place + 1;
    }
    const isMet = new Uint8Array(size);
    const queue = [...reached.values()];
    for (const number of queue) isMet[number] = 1;
    for (let number = queue.pop(); number !== undefined; number = queue.pop()) {
      for (const source of sources.subarray(starts[number], starts[number + 1])) {
        if (isMet[source] === 1) continue;
        isMet[source] = 1;
        queue.push(source);
      }
    }
    const lost = isMet.indexOf(0);
    return lost < 0 ? undefined : lost;
  }

  #end(depth: number, broken?: string, at = 0): Explored<State> {
    const counterexample = broken === undefined ? undefined : { broken, ...this.#traceTo(at, broken) };
    return { states: this.#numbers.size, steps: this.#steps, depth, counterexample };
  }

  /**
   * Takes the way to a state once more: of states that were left behind only their numbers are kept. Everybody keeps the
   * name that they had at the beginning.
   */
  #traceTo(target: number, broken: string): { trace: string[]; state: State } {
    const way: number[] = [];
    for (let number = target; number !== 0; number = this.#parents.at(number)) way.unshift(number);
    let state = this.#model.initial;
    const trace: string[] = [];
    const take = (isNext: (next: State) => boolean): void => {
      const step = this.#model.steps(state).find(({ next }) => isNext(next));
      if (step === undefined) return;
      trace.push(step.name);
      state = step.next;
    };
    for (const number of way) take((next) => this.#numbers.get(this.#keyOf(next)) === number);
    const rule = this.#model.everyStep?.[broken];
    if (rule !== undefined) take((next) => !rule(state, next));
    return { trace, state };
  }
}
