import type { Expression, ExpressionBuilder, SqlBool } from 'kysely';
import type { Schema } from '../db/schema.ts';
import { invalidField } from '../errors.ts';
import { type FilterOperator, type FilterTerm, type FilterValue, parseFilter } from '../lib/filter.ts';
import { FilterRefused } from '../lib/filter-refused.ts';
import { parseTimestamp } from '../lib/timestamp.ts';

/**
 * The filter of a list of images: terms joined by AND on
 *
 *   name, family, id       = != IN NOT IN
 *   status                 the same, with CREATING, READY, ERROR or DELETING
 *   labels.KEY             the same; != and NOT IN also match images without that label
 *   created_at, createdAt  the same and < <= > >=, with times of RFC 3339
 *
 * The grammar is lib/filter.ts's.
 */
export type ImageCondition = (images: ExpressionBuilder<Schema, 'images'>) => Expression<SqlBool>;

/** The conditions, all of which an image must meet. Throws INVALID_ARGUMENT on `filter`, whatever the text. */
export function readImageFilter(text: string): ImageCondition[] {
  try {
    return parseFilter(text).map(toCondition);
  } catch (error) {
    if (error instanceof FilterRefused) throw invalidField('filter', error.message);
    throw error;
  }
}

const statuses = ['CREATING', 'READY', 'ERROR', 'DELETING'] as const;

function toCondition(term: FilterTerm): ImageCondition {
  const { field, key, position } = term;
  if (field === 'labels') {
    if (key === undefined) throw new FilterRefused(position, 'labels needs a key: labels.KEY');
    return labelCondition(key, listOperator(term), texts(term.values));
  }
  if (key !== undefined) throw new FilterRefused(position, `"${field}" has no keys; only labels has`);
  switch (field) {
    case 'name':
    case 'family':
    case 'id': {
      const operator = listOperator(term);
      return (images) => images(images.ref(field), operator, texts(term.values));
    }
    case 'status': {
      const operator = listOperator(term);
      const wanted = term.values.map(readStatus);
      return (images) => images('status', operator, wanted);
    }
    case 'created_at':
    case 'createdAt':
      return timeCondition(term);
    default: {
      const known = 'name, family, status, id, labels.KEY and created_at';
      throw new FilterRefused(position, `"${field}" cannot be filtered by; these can: ${known}`);
    }
  }
}

/** Of = and IN only `in` is left, of != and NOT IN only `not in`. */
function listOperator({ field, operator, position }: FilterTerm): 'in' | 'not in' {
  switch (operator) {
    case '=':
    case 'IN':
      return 'in';
    case '!=':
    case 'NOT IN':
      return 'not in';
    default:
      throw new FilterRefused(position, `"${field}" takes =, !=, IN and NOT IN only`);
  }
}

function labelCondition(key: string, operator: 'in' | 'not in', values: readonly string[]): ImageCondition {
  return (images) => {
    // Asked of each image that the page comes by: to gather every image with the label first could cost far more.
    const hasLabel = images.exists(
      images
        .selectFrom('image_labels')
        .select('image_labels.key')
        .whereRef('image_labels.image_id', '=', 'images.id')
        .where('image_labels.key', '=', key)
        .where('image_labels.value', 'in', values),
    );
    return operator === 'in' ? hasLabel : images.not(hasLabel);
  };
}

const timeOperators: Readonly<Partial<Record<FilterOperator, '<' | '<=' | '>' | '>='>>> = {
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
};

function timeCondition(term: FilterTerm): ImageCondition {
  const times = term.values.map(readTime);
  const comparison = timeOperators[term.operator];
  const [time] = times;
  if (comparison !== undefined && time !== undefined) return (images) => images('created_at', comparison, time);
  const operator = listOperator(term);
  return (images) => images('created_at', operator, times);
}

function readTime({ text, position }: FilterValue): number {
  const time = parseTimestamp(text);
  if (time === undefined) {
    throw new FilterRefused(position, 'expected a time like 2026-01-31T12:00:00Z, with milliseconds at most');
  }
  return time.getTime();
}

function readStatus({ text, position }: FilterValue): (typeof statuses)[number] {
  const status = statuses.find((known) => known === text);
  if (status === undefined) throw new FilterRefused(position, `expected one of ${statuses.join(', ')}`);
  return status;
}

function texts(values: readonly FilterValue[]): string[] {
  return values.map(({ text }) => text);
}
