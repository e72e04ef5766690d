import { RE2JS } from 're2js';
import { FilterRefused } from '../../../lib/filter-refused.ts';

/** A regular expression out of a filter. */
export interface FieldPattern {
  /** What matching costs for each character of the text, in steps of filter-work.ts. */
  readonly size: number;
  /** Whether it matches all of the text. */
  matches(text: string): boolean;
}

/**
 * Instructions of all programs of a filter. A name in the words of gcloud takes 70 at most, a choice of twenty names 400.
 * Programs below 1,000 are also searched for a way to match in one pass, which takes up to 50 microseconds an instruction:
 * of classes with many ranges, the worst found.
 */
const maxProgramSize = 600;
/** Above what is worth compiling to find out how much it is: 2 microseconds an instruction. */
const maxEstimate = 5_000;
/** RE2's limit of what repetitions within repetitions come to. */
const maxRepeat = 1_000;

/** Compiles the patterns of one filter, which are limited together. */
export class PatternCompiler {
  #estimate = 0;
  #size = 0;

  /**
   * Compiles a pattern of RE2's language, in which matching takes time in proportion to the text whatever the pattern.
   * A dot matches line breaks, too: gcloud looks for words by `.*` around them, and descriptions have lines. Throws
   * FilterRefused, with the position given, for what is no pattern or would be too big a program.
   */
  compile(pattern: string, position: number): FieldPattern {
    this.#estimate += estimate(pattern);
    if (this.#estimate > maxEstimate) throw tooBig(position);
    const compiled = compile(pattern, position);
    const size = compiled.programSize();
    this.#size += size;
    if (this.#size > maxProgramSize) throw tooBig(position);
    return { size, matches: (text) => compiled.testExact(text) };
  }
}

function compile(pattern: string, position: number): RE2JS {
  try {
    return RE2JS.compile(pattern, RE2JS.DOTALL);
  } catch (error) {
    throw new FilterRefused(position, error instanceof Error ? error.message : 'not a regular expression');
  }
}

/**
 * More instructions than the program can have, but for a small factor. Repetition is by copies: of one character or
 * class where no parenthesis stands before the count, and of a whole group, which may hold all the rest, where one does.
 */
function estimate(pattern: string): number {
  let single = pattern.length;
  let groups = 1;
  for (const [, before, from = '', to = ''] of pattern.matchAll(/(\)?)\{(\d{1,4})(?:,(\d{0,4}))?\}/g)) {
    const count = Math.max(Number(from), Number(to), 1);
    if (before === '') single += count;
    else groups = Math.min(groups * count, maxRepeat);
  }
  return single * groups;
}

function tooBig(position: number): FilterRefused {
  return new FilterRefused(position, 'the regular expressions are too big');
}
