import type { DescMessage } from '@bufbuild/protobuf';
import { FilterRefused } from '../../../lib/filter-refused.ts';
import { invalidValue } from '../compute-errors.ts';
import { parseAipFilter } from './aip-filter.ts';
import { FilterScope, type ResourceMatch } from './filter-scope.ts';
import { isRegexFilter, parseRegexFilter } from './regex-filter.ts';

/** In UTF-16 units, as all lengths here. The longest that gcloud makes of what people type are a few hundred. */
const maxFilterLength = 2_000;

/**
 * The filter of a list of resources whose JSON is of this message; undefined for one that everything passes. It is in
 * either of two languages, never both: regex-filter.ts and aip-filter.ts. Throws INVALID_ARGUMENT in the words of the
 * public API; so does the filter, for a resource that would cost too much. Reading one takes some 30 ms at the very most,
 * matching a resource 20.
 */
export function readFilter(text: string, schema: DescMessage): ResourceMatch | undefined {
  const expression = text.trim();
  if (expression === '') return undefined;
  return refusing(text, () => {
    if (expression.length > maxFilterLength) throw new FilterRefused(maxFilterLength + 1, 'the filter is too long');
    const scope = new FilterScope(schema);
    const parse = isRegexFilter(expression) ? parseRegexFilter : parseAipFilter;
    const matches = parse(expression, scope);
    return (resource) =>
      refusing(text, () => {
        scope.work.begin();
        return matches(resource);
      });
  });
}

function refusing<T>(text: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof FilterRefused)) throw error;
    throw invalidValue('filter', text, 'Invalid list filter expression.');
  }
}
