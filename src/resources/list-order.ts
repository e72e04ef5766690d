import { invalidField } from '../errors.ts';

/** What a list is sorted by; equal ones, in the same direction, by id. */
export interface ListOrder {
  readonly column: 'id' | 'name' | 'created_at';
  readonly direction: 'asc' | 'desc';
}

/** The names that requests may use, in the case of the API's JSON or its proto. */
const columns = new Map<string, ListOrder['column']>([
  ['id', 'id'],
  ['name', 'name'],
  ['createdAt', 'created_at'],
  ['created_at', 'created_at'],
]);

/** Reads `order_by`: a field, then asc (which is the default) or desc. Throws INVALID_ARGUMENT on it. */
export function readListOrder(text: string): ListOrder {
  const [field = '', direction = 'asc', ...more] = text.trim() === '' ? ['id'] : text.trim().split(/\s+/);
  const column = columns.get(field);
  if (column === undefined || more.length > 0) {
    throw invalidField('order_by', 'expected id, name or createdAt, then asc or desc');
  }
  const lower = direction.toLowerCase();
  if (lower !== 'asc' && lower !== 'desc') throw invalidField('order_by', `expected asc or desc after "${field}"`);
  return { column, direction: lower };
}
