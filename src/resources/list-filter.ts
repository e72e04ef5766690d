import { type Expression, type SqlBool, sql } from 'kysely';
import { invalidField } from '../errors.ts';
import { type FilterOperator, type FilterTerm, type FilterValue, parseFilter } from '../lib/filter.ts';
import { FilterRefused } from '../lib/filter-refused.ts';
import { parseTimestamp } from '../lib/timestamp.ts';
import type { ListedTable } from './listed-table.ts';
import { type ResourceStatus, resourceStatuses } from './resource-status.ts';

/**
 * The filter of a list: terms joined by AND on
 *
 *   the table's texts      = != IN NOT IN
 *   status                 the same, with CREATING, READY, ERROR or DELETING
 *   labels.KEY             the same; != and NOT IN also match what has no such label
 *   created_at, createdAt  the same and < <= > >=, with times of RFC 3339
 *
 * The grammar is lib/filter.ts's.
 */
export type ListCondition = Expression<SqlBool>;

export interface ListFilter {
  /** All of which a row must meet. */
  readonly conditions: readonly ListCondition[];
  /** Whether few rows are looked at for a page: an index finds those that can match, or all match. */
  readonly isQuick: boolean;
}

/** What names one row, or a few, by an index. */
const named: readonly string[] = ['id', 'name'];

/** Throws INVALID_ARGUMENT on `filter`, whatever the text. */
export function readListFilter(table: ListedTable, text: string): ListFilter {
  try {
    const terms = parseFilter(text);
    const isNamed = ({ field, operator }: FilterTerm) => named.includes(field) && ['=', 'IN'].includes(operator);
    return {
      conditions: terms.map((term) => toCondition(table, term)),
      isQuick: terms.length === 0 || terms.some(isNamed),
    };
  } catch (error) {
    if (error instanceof FilterRefused) throw invalidField('filter', error.message);
    throw error;
  }
}

function toCondition(table: ListedTable, term: FilterTerm): ListCondition {
  const { field, key, position } = term;
  if (field === 'labels') {
    if (key === undefined) throw new FilterRefused(position, 'labels needs a key: labels.KEY');
    return labelCondition(table, key, term);
  }
  if (key !== undefined) throw new FilterRefused(position, `"${field}" has no keys; only labels has`);
  const column = Object.hasOwn(table.texts, field) ? table.texts[field] : undefined;
  if (column !== undefined) return isAmong(`${table.name}.${column}`, term, texts(term.values));
  switch (field) {
    case 'status':
      return isAmong(`${table.name}.status`, term, term.values.map(readStatus));
    case 'created_at':
    case 'createdAt':
      return timeCondition(`${table.name}.created_at`, term);
    default: {
      const known = `${Object.keys(table.texts).join(', ')}, status, labels.KEY and created_at`;
      throw new FilterRefused(position, `"${field}" cannot be filtered by; these can: ${known}`);
    }
  }
}

/** Of = and IN only `in` is left, of != and NOT IN only `not in`. */
function isAmong(column: string, term: FilterTerm, values: readonly (string | number)[]): ListCondition {
  return isNegative(term)
    ? sql<SqlBool>`${sql.ref(column)} not in (${sql.join(values)})`
    : sql<SqlBool>`${sql.ref(column)} in (${sql.join(values)})`;
}

function isNegative({ field, operator, position }: FilterTerm): boolean {
  switch (operator) {
    case '=':
    case 'IN':
      return false;
    case '!=':
    case 'NOT IN':
      return true;
    default:
      throw new FilterRefused(position, `"${field}" takes =, !=, IN and NOT IN only`);
  }
}

function labelCondition({ name, labels }: ListedTable, key: string, term: FilterTerm): ListCondition {
  const of = (column: string) => sql.ref(`${labels.table}.${column}`);
  // Asked of each row that the page comes by: to gather every one with the label first could cost far more.
  const hasLabel = sql<SqlBool>`exists (
    select 1 from ${sql.table(labels.table)}
    where ${of(labels.owner)} = ${sql.ref(`${name}.id`)}
      and ${of('key')} = ${key} and ${of('value')} in (${sql.join(texts(term.values))})
  )`;
  return isNegative(term) ? sql<SqlBool>`not ${hasLabel}` : hasLabel;
}

const timeOperators: Readonly<Partial<Record<FilterOperator, '<' | '<=' | '>' | '>='>>> = {
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
};

function timeCondition(column: string, term: FilterTerm): ListCondition {
  const times = term.values.map(readTime);
  const comparison = timeOperators[term.operator];
  const [time] = times;
  if (comparison === undefined || time === undefined) return isAmong(column, term, times);
  return sql<SqlBool>`${sql.ref(column)} ${sql.raw(comparison)} ${time}`;
}

function readTime({ text, position }: FilterValue): number {
  const time = parseTimestamp(text);
  if (time === undefined) {
    throw new FilterRefused(position, 'expected a time like 2026-01-31T12:00:00Z, with milliseconds at most');
  }
  return time.getTime();
}

function readStatus({ text, position }: FilterValue): ResourceStatus {
  const status = resourceStatuses.find((known) => known === text);
  if (status === undefined) throw new FilterRefused(position, `expected one of ${resourceStatuses.join(', ')}`);
  return status;
}

function texts(values: readonly FilterValue[]): string[] {
  return values.map(({ text }) => text);
}
