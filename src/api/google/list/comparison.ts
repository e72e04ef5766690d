import { FilterRefused } from '../../../lib/filter-refused.ts';
import type { JsonValue } from '../../../lib/json.ts';
import { type FilterField, textOf, valuesAt } from './filter-field.ts';
import type { FilterScope, ResourceMatch } from './filter-scope.ts';
import { readFilterTime } from './filter-time.ts';
import type { FilterWork } from './filter-work.ts';
import { readWildcard } from './wildcard.ts';

export type Comparator = '=' | '!=' | ':' | Relation;
type Relation = '<' | '<=' | '>' | '>=';

/** The value of a term. */
export interface FilterLiteral {
  /** As it is written, but without its quotes; a backslash has the next character stand for itself. */
  readonly written: string;
  readonly position: number;
}

type ValueMatch = (value: JsonValue) => boolean;

/**
 * What `field comparator literal` matches:
 *
 *   field :*            what has the field; a map or a message must have something in it
 *   map : key           what has the key
 *   text = a*           with * for any run of characters
 *   text < literal      by code units; times as times, when both are
 *   number < 10         exactly, however many digits there are
 *   boolean = true
 *
 * `:` is otherwise what `=` is. `!=` is its opposite, and matches what has no such field. Of a list one element is enough.
 * Throws FilterRefused for what a field of this kind cannot be compared with.
 */
export function compileComparison(
  field: FilterField,
  comparator: Comparator,
  literal: FilterLiteral,
  { work }: FilterScope,
): ResourceMatch {
  const { path } = field;
  if (comparator === ':' && literal.written === '*') return (resource) => valuesAt(resource, path).some(isSet);
  const matches = valueMatch(field, comparator, literal, work);
  const isAny: ResourceMatch = (resource) => valuesAt(resource, path).some(matches);
  return comparator === '!=' ? (resource) => !isAny(resource) : isAny;
}

function isSet(value: JsonValue): boolean {
  return typeof value !== 'object' || value === null || Object.keys(value).length > 0;
}

/** For `!=` what `=` matches. */
function valueMatch(
  { kind }: FilterField,
  comparator: Comparator,
  literal: FilterLiteral,
  work: FilterWork,
): ValueMatch {
  const relation = comparator === '=' || comparator === '!=' || comparator === ':' ? undefined : comparator;
  switch (kind) {
    case 'text':
      return relation === undefined ? textEquals(literal, work) : textCompares(relation, literal);
    case 'number':
      return numberMatch(relation, literal);
    case 'boolean':
      if (relation === undefined) return booleanEquals(literal);
      break;
    case 'map':
      if (comparator === ':') return hasKey(literal);
      break;
    case 'message':
      break;
  }
  throw new FilterRefused(literal.position, `a ${kind} cannot be compared by ${comparator}`);
}

function textEquals({ written }: FilterLiteral, work: FilterWork): ValueMatch {
  const wildcard = readWildcard(written);
  const time = readFilterTime(written);
  return (value) => {
    const text = textOf(value);
    if (time !== undefined && readFilterTime(text) === time) return true;
    work.spend(wildcard.size, text);
    return wildcard.matches(text);
  };
}

function textCompares(relation: Relation, { written }: FilterLiteral): ValueMatch {
  const literal = plain(written);
  const literalTime = readFilterTime(literal);
  return (value) => {
    const text = textOf(value);
    const time = literalTime === undefined ? undefined : readFilterTime(text);
    if (literalTime === undefined || time === undefined) return holds(relation, text, literal);
    return holds(relation, time, literalTime);
  };
}

function numberMatch(relation: Relation | undefined, { written, position }: FilterLiteral): ValueMatch {
  const number = readNumber(plain(written));
  if (number === undefined) throw new FilterRefused(position, 'expected a number');
  return (value) => {
    const other = readNumber(textOf(value));
    // JavaScript compares a bigint with a number by their exact values.
    // biome-ignore lint/suspicious/noDoubleEquals: === would tell 1n from 1
    return other !== undefined && (relation === undefined ? other == number : holds(relation, other, number));
  };
}

function readNumber(text: string): bigint | number | undefined {
  if (/^-?\d{1,20}$/.test(text)) return BigInt(text);
  return /^-?\d{1,20}(?:\.\d{1,20})?(?:[eE][-+]?\d{1,3})?$/.test(text) ? Number(text) : undefined;
}

function booleanEquals({ written, position }: FilterLiteral): ValueMatch {
  const text = plain(written).toLowerCase();
  if (text !== 'true' && text !== 'false') throw new FilterRefused(position, 'expected true or false');
  return (value) => value === (text === 'true');
}

function hasKey({ written }: FilterLiteral): ValueMatch {
  const key = plain(written);
  return (value) => typeof value === 'object' && value !== null && Object.hasOwn(value, key);
}

/** The written text with its escapes resolved. */
function plain(written: string): string {
  return written.replaceAll(/\\(.)/gsu, '$1');
}

function holds<T extends string | number | bigint>(relation: Relation, value: T, literal: T): boolean {
  switch (relation) {
    case '<':
      return value < literal;
    case '<=':
      return value <= literal;
    case '>':
      return value > literal;
    case '>=':
      return value >= literal;
  }
}
