/** Variables, as the process has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** One thing that is wrong: which flag or variable, what it says, and what it should say. */
export interface ConfigProblem {
  readonly setting: string;
  /** Undefined where showing it could show a password. */
  readonly value: string | undefined;
  readonly remedy: string;
}
