import { FilterRefused } from '../../../lib/filter-refused.ts';

/**
 * Steps that matching one resource may take. A step is one character looked at by one instruction of a regular
 * expression's program, or by one character of a pattern; the worst programs found take 100 ns for it, so that
 * one resource takes 20 ms at most.
 */
const maxStepsPerResource = 200_000;

/** Counts what a filter costs, resource by resource. */
export class FilterWork {
  #steps = 0;

  /** To be called before each resource. */
  begin(): void {
    this.#steps = 0;
  }

  /** To be called before a text is searched. Throws FilterRefused when the resource would cost too much. */
  spend(programSize: number, text: string): void {
    this.#steps += programSize * text.length;
    if (this.#steps > maxStepsPerResource) throw new FilterRefused(1, 'it is too costly for fields so long');
  }
}
