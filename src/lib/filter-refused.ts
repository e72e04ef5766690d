/** The text is no filter: where, from 1, and why. */
export class FilterRefused extends Error {
  readonly position: number;

  constructor(position: number, problem: string) {
    super(`at position ${position}: ${problem}`);
    this.name = 'FilterRefused';
    this.position = position;
  }
}
