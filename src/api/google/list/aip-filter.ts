import { type Comparator, compileComparison, type FilterLiteral } from './comparison.ts';
import { FilterCursor } from './filter-cursor.ts';
import type { FilterScope, ResourceMatch } from './filter-scope.ts';

/**
 * The newer language of list filters, google.aip.dev/160, of which this API takes comparisons of fields only:
 *
 *   filter      = sequence { "AND" sequence }
 *   sequence    = choice { choice }                 side by side: all must match
 *   choice      = term { "OR" term }                so that OR binds tighter than AND
 *   term        = [ "NOT" | "-" ] ( comparison | "(" filter ")" )
 *   comparison  = field comparator value
 *   field       = name { "." ( name | quoted ) }
 *   comparator  = "=" | "!=" | "<" | "<=" | ">" | ">=" | ":"
 *   value       = quoted | word
 *
 * Keywords are in capitals. What comparisons match is comparison.ts's.
 */
export function parseAipFilter(text: string, scope: FilterScope): ResourceMatch {
  const cursor = new FilterCursor(text);
  const match = parseFilter(cursor, scope, 0);
  if (!cursor.isAtEnd()) throw cursor.expected('a field, AND, OR or the end');
  return match;
}

const keyword = /(?:AND|OR|NOT)(?![\p{L}\p{N}_.:=<>!-])/uy;

function parseFilter(cursor: FilterCursor, scope: FilterScope, depth: number): ResourceMatch {
  scope.assertDepth(depth, cursor.position);
  const all: ResourceMatch[] = [];
  do {
    all.push(parseChoice(cursor, scope, depth));
    while (!cursor.isAtEnd() && cursor.look(/\)/y) === undefined && cursor.look(keyword) !== 'AND') {
      all.push(parseChoice(cursor, scope, depth));
    }
  } while (takeKeyword(cursor, 'AND'));
  return (resource) => all.every((matches) => matches(resource));
}

function parseChoice(cursor: FilterCursor, scope: FilterScope, depth: number): ResourceMatch {
  const any: ResourceMatch[] = [];
  do any.push(parseTerm(cursor, scope, depth));
  while (takeKeyword(cursor, 'OR'));
  return (resource) => any.some((matches) => matches(resource));
}

function parseTerm(cursor: FilterCursor, scope: FilterScope, depth: number): ResourceMatch {
  cursor.take(/\s*/y);
  const isNegative = takeKeyword(cursor, 'NOT') || cursor.take(/-/y) !== undefined;
  const matches = parseSimple(cursor, scope, depth);
  cursor.take(/\s*/y);
  return isNegative ? (resource) => !matches(resource) : matches;
}

function parseSimple(cursor: FilterCursor, scope: FilterScope, depth: number): ResourceMatch {
  if (cursor.take(/\(/y) === undefined) return parseComparison(cursor, scope);
  const matches = parseFilter(cursor, scope, depth + 1);
  if (cursor.take(/\)/y) === undefined) throw cursor.expected('")"');
  return matches;
}

function parseComparison(cursor: FilterCursor, scope: FilterScope): ResourceMatch {
  const { position } = cursor;
  const field = scope.field(parseNames(cursor), position);
  const comparator = takeComparator(cursor);
  if (comparator === undefined) throw cursor.expected('one of = != < <= > >= :');
  cursor.take(/\s*/y);
  return compileComparison(field, comparator, parseLiteral(cursor), scope);
}

function parseNames(cursor: FilterCursor): string[] {
  if (cursor.look(keyword) !== undefined) throw cursor.expected('a field');
  const names: string[] = [];
  do {
    const name = cursor.take(/[\p{L}_][\p{L}\p{N}_-]*/uy) ?? (names.length > 0 ? takeKey(cursor) : undefined);
    if (name === undefined) throw cursor.expected('the name of a field');
    names.push(name);
  } while (cursor.take(/\./y) !== undefined);
  return names;
}

/** A key of a map that is no word. */
function takeKey(cursor: FilterCursor): string | undefined {
  return cursor.takeQuoted()?.replaceAll(/\\(.)/gsu, '$1') ?? cursor.take(/[\p{L}\p{N}_-]+/uy);
}

const comparators: readonly Comparator[] = ['<=', '>=', '!=', '<', '>', '=', ':'];

function takeComparator(cursor: FilterCursor): Comparator | undefined {
  const taken = cursor.take(/\s*(?:[<>!]=|[<>=:])/y)?.trim();
  return comparators.find((known) => known === taken);
}

function parseLiteral(cursor: FilterCursor): FilterLiteral {
  const { position } = cursor;
  const written =
    cursor.takeQuoted() ?? (cursor.look(keyword) === undefined ? cursor.take(/[^\s()"'=<>!~,\\[\]{}]+/y) : undefined);
  if (written === undefined) throw cursor.expected('a value');
  return { written, position };
}

function takeKeyword(cursor: FilterCursor, word: 'AND' | 'OR' | 'NOT'): boolean {
  if (cursor.look(keyword) !== word) return false;
  cursor.take(keyword);
  cursor.take(/\s*/y);
  return true;
}
