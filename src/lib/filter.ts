import { FilterRefused } from './filter-refused.ts';
import { FilterScanner } from './filter-scanner.ts';

/**
 * The filters of lists, as text and as terms.
 *
 *   filter   = [ term { AND term } ]
 *   term     = field ( compare value | [ NOT ] IN "(" value { "," value } ")" )
 *   field    = word                      a dot begins a key: everything after the first one
 *            | word "." quoted           the same, for keys that are no word
 *   compare  = "=" | "!=" | "<" | "<=" | ">" | ">="
 *   value    = quoted | word
 *   quoted   = text in ' or ", with the escapes \" \' \\ \? \a \b \f \n \r \t \v
 *   word     = one or more of A-Z a-z 0-9 _ - . : + / @
 *
 * AND, IN and NOT may be in any case; space between parts is free, and needed only between words. Which fields and
 * operators a list knows is the list's own matter.
 */
export interface FilterTerm {
  readonly field: string;
  /** Of a field that has many: the `env` of `labels.env`. */
  readonly key: string | undefined;
  readonly operator: FilterOperator;
  /** One, or for IN and NOT IN one or more. */
  readonly values: readonly FilterValue[];
  /** Where the term stands in the text, from 1. */
  readonly position: number;
}

export interface FilterValue {
  readonly text: string;
  readonly position: number;
}

export const compareOperators = ['=', '!=', '<', '<=', '>', '>='] as const;
export type FilterOperator = (typeof compareOperators)[number] | 'IN' | 'NOT IN';

/** Limit of the public API; it also bounds the work that a filter can make. */
export const maxFilterLength = 1000;

/** Reads a filter; no terms for an empty one. Throws FilterRefused, whatever the text. */
export function parseFilter(text: string): FilterTerm[] {
  if (text.length > maxFilterLength) {
    throw new FilterRefused(maxFilterLength + 1, `a filter has at most ${maxFilterLength} characters`);
  }
  const scanner = new FilterScanner(text);
  const terms: FilterTerm[] = [];
  if (scanner.isAtEnd()) return terms;
  for (;;) {
    terms.push(parseTerm(scanner));
    if (scanner.isAtEnd()) return terms;
    if (!scanner.takeKeyword('AND')) throw scanner.expected('AND or the end');
  }
}

function parseTerm(scanner: FilterScanner): FilterTerm {
  const { position } = scanner;
  const { field, key } = parseField(scanner);
  const operator = parseOperator(scanner);
  const values = operator === 'IN' || operator === 'NOT IN' ? parseList(scanner) : [parseValue(scanner)];
  return { field, key, operator, values, position };
}

function parseField(scanner: FilterScanner): { field: string; key: string | undefined } {
  const word = scanner.takeWord();
  if (word === undefined) throw scanner.expected('a field');
  const dot = word.indexOf('.');
  if (dot < 0) return { field: word, key: undefined };
  const field = word.slice(0, dot);
  const key = word.slice(dot + 1);
  if (key !== '') return { field, key };
  const quoted = scanner.takeQuoted();
  if (quoted === undefined) throw scanner.expected(`a key after "${word}"`);
  return { field, key: quoted };
}

function parseOperator(scanner: FilterScanner): FilterOperator {
  const symbol = scanner.takeCompareSymbol();
  if (symbol !== undefined) {
    const operator = compareOperators.find((known) => known === symbol.text);
    if (operator === undefined) throw new FilterRefused(symbol.position, `"${symbol.text}" is not an operator`);
    return operator;
  }
  if (scanner.takeKeyword('IN')) return 'IN';
  if (!scanner.takeKeyword('NOT')) throw scanner.expected('an operator: =, !=, IN or NOT IN');
  if (!scanner.takeKeyword('IN')) throw scanner.expected('IN after NOT');
  return 'NOT IN';
}

function parseList(scanner: FilterScanner): FilterValue[] {
  if (!scanner.takeSymbol('(')) throw scanner.expected('"(" and a list of values');
  const values: FilterValue[] = [];
  do values.push(parseValue(scanner));
  while (scanner.takeSymbol(','));
  if (!scanner.takeSymbol(')')) throw scanner.expected('"," or ")"');
  return values;
}

function parseValue(scanner: FilterScanner): FilterValue {
  const { position } = scanner;
  const text = scanner.takeQuoted() ?? scanner.takeWord();
  if (text === undefined) throw scanner.expected('a value, in quotes or as one word');
  return { text, position };
}

/** The terms as text that parses to the same terms, whatever their keys and values hold. */
export function printFilter(terms: readonly Pick<FilterTerm, 'field' | 'key' | 'operator' | 'values'>[]): string {
  return terms
    .map(({ field, key, operator, values }) => {
      const name = key === undefined ? field : `${field}.${quote(key)}`;
      const quoted = values.map(({ text }) => quote(text)).join(', ');
      return `${name} ${operator} ${operator === 'IN' || operator === 'NOT IN' ? `(${quoted})` : quoted}`;
    })
    .join(' AND ');
}

function quote(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
