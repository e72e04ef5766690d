import type { Counterexample } from './explore.ts';

/** What does not hold and how it comes to that, a step a line; then the state itself. */
export function describeCounterexample({ broken, trace, state }: Counterexample<unknown>): string {
  const steps = trace.map((step, index) => `${String(index + 1).padStart(4)}. ${step}`);
  return [`Does not hold: ${broken}`, ...steps, JSON.stringify(state, undefined, 1)].join('\n');
}
