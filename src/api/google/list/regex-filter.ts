import { FilterRefused } from '../../../lib/filter-refused.ts';
import { FilterCursor } from './filter-cursor.ts';
import { textOf, valuesAt } from './filter-field.ts';
import type { FilterScope, ResourceMatch } from './filter-scope.ts';
import { readFilterTime } from './filter-time.ts';

/**
 * The older language of list filters, which gcloud sends:
 *
 *   filter   = term | group { group }        groups side by side must all match; there is no AND and no OR
 *   group    = "(" filter ")"                gcloud nests them
 *   term     = field ( "eq" | "ne" ) literal
 *   field    = name { "." name }
 *   literal  = text in ' or ", or up to a space or a ")" that it does not open itself
 *
 * A literal is a regular expression that must match the whole field; a backslash is the expression's own, also before a
 * quote. A literal that is a time is compared as one. `ne` is the opposite of `eq`: it matches what has no such field.
 */
export function parseRegexFilter(text: string, scope: FilterScope): ResourceMatch {
  const cursor = new FilterCursor(text);
  const match = parseFilter(cursor, scope, 0);
  if (!cursor.isAtEnd()) throw cursor.expected('the end');
  return match;
}

/** Whether the text begins as one of this language: in the other one a field and a word side by side mean nothing. */
export function isRegexFilter(text: string): boolean {
  return /^[\s(]*[\p{L}\p{N}_.-]+\s+(?:eq|ne)(?![\p{L}\p{N}_.])/u.test(text);
}

function parseFilter(cursor: FilterCursor, scope: FilterScope, depth: number): ResourceMatch {
  scope.assertDepth(depth, cursor.position);
  cursor.take(/\s*/y);
  if (cursor.look(/\(/y) === undefined) return parseTerm(cursor, scope);
  const groups: ResourceMatch[] = [];
  while (cursor.take(/\(/y) !== undefined) {
    groups.push(parseFilter(cursor, scope, depth + 1));
    if (cursor.take(/\)\s*/y) === undefined) throw cursor.expected('")"');
  }
  return (resource) => groups.every((matches) => matches(resource));
}

function parseTerm(cursor: FilterCursor, scope: FilterScope): ResourceMatch {
  const { position } = cursor;
  const name = cursor.take(/[\p{L}\p{N}_.-]+/uy);
  if (name === undefined) throw cursor.expected('a field');
  const { path } = scope.field(name.split('.'), position);
  const operator = cursor.take(/\s+(?:eq|ne)(?=[\s"'])\s*/y)?.trim();
  if (operator === undefined) throw cursor.expected('eq or ne');
  const matches = parseLiteral(cursor, scope);
  cursor.take(/\s*/y);
  const isAny: ResourceMatch = (resource) => valuesAt(resource, path).some((value) => matches(textOf(value)));
  return operator === 'eq' ? isAny : (resource) => !isAny(resource);
}

function parseLiteral(cursor: FilterCursor, { work, patterns }: FilterScope): (text: string) => boolean {
  const { position } = cursor;
  const literal = cursor.takeQuoted() ?? takeBare(cursor);
  const pattern = patterns.compile(literal, position);
  const time = readFilterTime(literal);
  return (text) => {
    if (time !== undefined && readFilterTime(text) === time) return true;
    work.spend(pattern.size, text);
    return pattern.matches(text);
  };
}

function takeBare(cursor: FilterCursor): string {
  const { position } = cursor;
  let literal = '';
  let open = 0;
  for (;;) {
    const piece = cursor.take(/\\.|[^\s()\\]+|\(/sy) ?? (open > 0 ? cursor.take(/\)/y) : undefined);
    if (piece === undefined) break;
    if (piece === '(') open += 1;
    if (piece === ')') open -= 1;
    literal += piece;
  }
  if (literal === '' || /^["']/.test(literal)) throw new FilterRefused(position, 'expected a literal');
  return literal;
}
