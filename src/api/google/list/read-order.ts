import { invalidValue } from '../compute-errors.ts';

/** What a list is sorted by, in the words of resources/list-order.ts. */
export type CoreOrder = 'name asc' | 'createdAt desc';

/** Reads `orderBy`: the two orders that the public API has. Throws INVALID_ARGUMENT for any other. */
export function readOrder(text: string): CoreOrder {
  switch (text.trim().replaceAll(/\s+/g, ' ')) {
    case '':
    case 'name':
      return 'name asc';
    case 'creationTimestamp desc':
      return 'createdAt desc';
    default:
      throw invalidValue('orderBy', text, "Only 'name' and 'creationTimestamp desc' are supported.");
  }
}
